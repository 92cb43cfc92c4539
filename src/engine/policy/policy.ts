/** Names of considerations that a score is made of. */
export const TERM_NAMES = [
  'fewest-cells',
  'cores-kept',
  'cells-kept',
  'cpu-fit',
  'memory-fit',
] as const;
export type TermName = (typeof TERM_NAMES)[number];

/** What counts how much when hosts are compared. */
export interface Policy {
  readonly name: string;
  /** Terms that count, by weight; the others are not looked at. */
  readonly weights: Readonly<Partial<Record<TermName, number>>>;
}

export const DEFAULT_POLICY: Policy = {
  name: 'default',
  weights: {
    'fewest-cells': 4,
    'cores-kept': 2,
    'cells-kept': 2,
    'cpu-fit': 1,
    'memory-fit': 1,
  },
};

/** The terms of a policy and their weights, in the order of `TERM_NAMES`. */
export function weightsOf({ weights }: Policy): readonly (readonly [TermName, number])[] {
  return TERM_NAMES.flatMap((name) => {
    const weight = weights[name] ?? 0;
    return weight > 0 ? [[name, weight] as const] : [];
  });
}

/** Policies by name. */
export const POLICIES: readonly Policy[] = [DEFAULT_POLICY];
