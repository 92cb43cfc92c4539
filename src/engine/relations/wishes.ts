import type { Policy } from '../policy/policy.ts';
import { weighedTerms } from '../policy/policy.ts';
import type { PlacementRequest } from '../request.ts';
import type { Score } from '../score.ts';

/** What wishes count beside all terms of a policy together. */
const WISH_SHARE = 0.3;

/** The score with how well the host meets the wishes of the request; as it was without a wish. */
export function withWishes(score: Score, met: number | undefined): Score {
  if (met === undefined) return score;
  const sum = score.terms.reduce((all, term) => all + term.weight, 0);
  const weight = wishWeight(sum);
  const terms = [...score.terms, { name: 'wishes' as const, weight, value: met }];
  return { total: weigh(score.total, sum, met), terms };
}

/** The most that a total of the policy's terms can become when every wish of the request is met. */
export function mostWithWishes(total: number, policy: Policy, request: PlacementRequest): number {
  const { affinity = [], antiAffinity = [], spread = [] } = request;
  if ([...affinity, ...antiAffinity, ...spread].every(({ hard }) => hard)) return total;
  return weigh(total, weighedTerms(policy).sum, 1);
}

/** One way to reckon for both, so that what is most stays most whatever is rounded. */
function weigh(total: number, sum: number, met: number): number {
  const weight = wishWeight(sum);
  return (total * sum + met * weight) / (sum + weight);
}

function wishWeight(sum: number): number {
  return sum === 0 ? 1 : sum * WISH_SHARE;
}
