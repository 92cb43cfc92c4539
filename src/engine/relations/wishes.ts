import type { Score } from '../score.ts';
import { totalOf } from '../score.ts';

/** What wishes count beside all terms of a policy together. */
const WISH_SHARE = 0.3;

/** The score with how well the host meets the wishes of the request; as it was without a wish. */
export function withWishes(score: Score, met: number | undefined): Score {
  if (met === undefined) return score;
  const sum = score.terms.reduce((all, term) => all + term.weight, 0);
  const weight = sum === 0 ? 1 : sum * WISH_SHARE;
  const terms = [...score.terms, { name: 'wishes' as const, weight, value: met }];
  return { total: totalOf(terms), terms };
}
