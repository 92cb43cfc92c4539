/** Names of considerations that a score is made of, in the order they are shown. */
export const TERM_NAMES = [
  'room-kept',
  'host-open',
  'whole-cores',
  'fewest-cells',
  'cores-kept',
  'cells-kept',
  'cpu-fit',
  'memory-fit',
  'fullest-host',
  'emptiest-host',
  'balance',
  'ends-together',
] as const;
export type TermName = (typeof TERM_NAMES)[number];

/** What each term means, in one line. All are values from 0 (worst) to 1 (best). */
export const TERM_MEANINGS: Readonly<Record<TermName, string>> = {
  'room-kept': 'how little room for the guests that usually come is used up beyond its own',
  'host-open':
    '1 on a host that has guests already, 0 on an empty one, which is then no longer free',
  'whole-cores': 'share of the dedicated vCPUs that are not without a sibling they could have had',
  'fewest-cells':
    '1 over the number of cells in use: memory and caches of one cell are the nearest',
  'cores-kept': 'share of the pCPUs taken that break no free core',
  'cells-kept': 'share of the cells that are not newly touched, so that whole cells stay',
  'cpu-fit': 'how few pCPUs dedicated guests leave over in their cells, floating ones how many',
  'memory-fit': 'how little bound memory leaves over in its cells, memory bound to none how much',
  'fullest-host': 'share of the host that guests have then: pack',
  'emptiest-host': 'share of the host that is free then: spread',
  balance: 'how close the shares of pCPUs and of memory in use are then',
  'ends-together': 'how little longer the host has guests than without this one',
};

/** What counts how much when places are compared. */
export interface Policy {
  readonly name: string;
  /** What it is good for, in one line. */
  readonly about: string;
  /** Terms that count, by weight; the others are not looked at. */
  readonly weights: Readonly<Partial<Record<TermName, number>>>;
}

/** Refuses least: see `RoomWorth`; among places that cost the same room, the better seat. */
export const DEFAULT_POLICY: Policy = {
  name: 'default',
  about: 'refuses least: keeps room for the guests that usually come',
  weights: {
    'room-kept': 100_000,
    'whole-cores': 4,
    'fewest-cells': 4,
    'cores-kept': 2,
    'cells-kept': 2,
    'cpu-fit': 1,
    'memory-fit': 1,
  },
};

/** Every policy, the default first. */
export const POLICIES: readonly Policy[] = [
  DEFAULT_POLICY,
  {
    name: 'pack',
    about: 'fills the fullest host first, so that others stay empty',
    weights: { 'fullest-host': 8, 'fewest-cells': 2, 'cpu-fit': 1, 'memory-fit': 1 },
  },
  {
    name: 'spread',
    about: 'goes to the emptiest host, so that guests disturb each other least',
    weights: { 'emptiest-host': 8, 'fewest-cells': 2, 'whole-cores': 1 },
  },
  {
    name: 'balanced',
    about: 'keeps the shares of pCPUs and of memory in use alike',
    weights: { balance: 8, 'fewest-cells': 2, 'cpu-fit': 1, 'memory-fit': 1 },
  },
  {
    name: 'least-fragmentation',
    about: 'keeps whole cells, whole cores and page pools for the guests that will need them',
    weights: { 'cells-kept': 4, 'cores-kept': 4, 'whole-cores': 2, 'cpu-fit': 1, 'memory-fit': 1 },
  },
  {
    name: 'fewest-cells',
    about: 'keeps guests within one cell, then where they fit tightest',
    weights: { 'fewest-cells': 8, 'whole-cores': 4, 'cpu-fit': 1, 'memory-fit': 1 },
  },
  {
    name: 'lifetime',
    about: 'puts together guests that are expected to end together, so that hosts become empty',
    // Beside the room that a place costs: by ends alone more is refused where they are guessed.
    weights: { ...DEFAULT_POLICY.weights, 'ends-together': 10_000 },
  },
  {
    name: 'best-fit',
    about: 'the cell with the fewest pCPUs left over; for comparison',
    weights: { 'cpu-fit': 1000, 'memory-fit': 1 },
  },
  {
    name: 'first-fit',
    about: 'the first host that takes the guest; for comparison',
    weights: {},
  },
];

/** The policy of that name. */
export function policyNamed(name: string): Policy | undefined {
  return POLICIES.find((policy) => policy.name === name);
}

/** Whether the policy asks when guests are expected to end. */
export function looksAhead({ weights }: Policy): boolean {
  return (weights['ends-together'] ?? 0) > 0;
}

/** A policy's terms that count, in the order of `TERM_NAMES`, and the sum of their weights. */
export interface WeighedTerms {
  readonly terms: readonly { readonly name: TermName; readonly weight: number }[];
  readonly sum: number;
}

/** The terms of a policy that count. */
export function weighedTerms(policy: Policy): WeighedTerms {
  const known = weighed.get(policy);
  if (known !== undefined) return known;
  const terms = TERM_NAMES.flatMap((name) => {
    const weight = policy.weights[name] ?? 0;
    return weight > 0 ? [{ name, weight }] : [];
  });
  const made = { terms, sum: terms.reduce((sum, { weight }) => sum + weight, 0) };
  weighed.set(policy, made);
  return made;
}

const weighed = new WeakMap<Policy, WeighedTerms>();
