import type { Frame } from './frame.ts';
import { termValue } from './policy/consequence.ts';
import type { Consequence } from './policy/consequence.ts';
import type { Policy, TermName } from './policy/policy.ts';
import { weighedTerms } from './policy/policy.ts';
import type { Seating } from './seating.ts';
import { effectOf } from './seating-effect.ts';

/** One consideration, `value` from 0 (worst) to 1 (best); `TERM_MEANINGS` says what each is. */
export interface ScoreTerm {
  readonly name: TermName | 'wishes';
  readonly value: number;
  readonly weight: number;
}

/** How good a placement is, to compare hosts: the weighted mean of its terms, 0 to 1. */
export interface Score {
  readonly total: number;
  readonly terms: readonly ScoreTerm[];
}

/** Scores a seating before it is taken. */
export function scoreOf(frame: Frame, seating: Seating): Score {
  const consequence = frame.room.after(frame.request, effectOf(frame, seating));
  const terms = weighedTerms(frame.room.policy).terms.map(({ name, weight }) => ({
    name,
    weight,
    value: termValue(name, consequence),
  }));
  return { total: totalOf(terms), terms };
}

/** The total alone of what is left after an effect: what `scoreOf` would say of such a seating. */
export function totalFor(policy: Policy, consequence: Consequence): number {
  const { terms, sum: weights } = weighedTerms(policy);
  let sum = 0;
  for (const { name, weight } of terms) sum += termValue(name, consequence) * weight;
  return weights === 0 ? 1 : sum / weights;
}

/** The weighted mean of terms, 0 to 1; 1 where there are none. */
export function totalOf(terms: readonly ScoreTerm[]): number {
  let [sum, weights] = [0, 0];
  for (const { value, weight } of terms) {
    weights += weight;
    sum += value * weight;
  }
  return weights === 0 ? 1 : sum / weights;
}
