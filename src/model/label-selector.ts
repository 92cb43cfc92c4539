import { berthError } from '../base/errors.ts';

/** One condition on labels. Without a value it asks only whether the key is there. */
export interface LabelTerm {
  readonly key: string;
  readonly value?: string;
  /** True where the label must not be there, or must not have that value. */
  readonly isNegated: boolean;
}

/** Conditions that must all hold; an empty selector takes everything. */
export type LabelSelector = readonly LabelTerm[];

/** How many conditions a selector may have. */
const TERMS_MAX = 64;
const KEY = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;

/**
 * Reads a selector: conditions with commas between, each `app=db`, `tier!=web`, `gpu` (there is such
 * a label) or `!gpu` (there is none). As in placement rules, `app=db` means exactly that value.
 * @throws BERTH_SPEC_INVALID
 */
export function parseLabelSelector(text: string, where: string): LabelSelector {
  if (text.trim() === '') return [];
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length > TERMS_MAX) {
    throw wrong(where, `it has ${parts.length} conditions`, `at most ${TERMS_MAX}`);
  }
  return parts.map((part) => termOf(part, where));
}

/** Whether a thing with these labels is meant; a label that is not there is not any value. */
export function matchesLabels(
  selector: LabelSelector,
  labels: Readonly<Record<string, string>>,
): boolean {
  return selector.every(({ key, value, isNegated }) => {
    const found = Object.hasOwn(labels, key) ? labels[key] : undefined;
    const holds = value === undefined ? found !== undefined : found === value;
    return holds !== isNegated;
  });
}

function termOf(part: string, where: string): LabelTerm {
  const [, bang = '', key = '', operator, value = ''] =
    /^(!?)\s*([^=!\s]*)\s*(?:(!=|==?)\s*(.*))?$/.exec(part) ?? [];
  const isPlain = KEY.test(key) && (bang === '' || operator === undefined);
  if (!isPlain || value.length > 63) {
    throw wrong(
      where,
      `"${part}" is no condition on labels`,
      'such as app=db, tier!=web, gpu or !gpu',
    );
  }
  if (operator === undefined) return { key, isNegated: bang !== '' };
  return { key, value, isNegated: operator === '!=' };
}

function wrong(where: string, problem: string, expected: string): Error {
  return berthError('BERTH_SPEC_INVALID', { where, problem, expected });
}
