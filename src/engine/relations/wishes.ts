import type { Score } from '../score.ts';
import { totalOf } from '../score.ts';

/** What wishes count beside the terms of a policy. */
const WISH_WEIGHT = 3;

/** The score with how well the host meets the wishes of the request; as it was without a wish. */
export function withWishes(score: Score, met: number | undefined): Score {
  if (met === undefined) return score;
  const terms = [...score.terms, { name: 'wishes' as const, weight: WISH_WEIGHT, value: met }];
  return { total: totalOf(terms), terms };
}
