import type { Policy } from '../policy/policy.ts';
import { weighedTerms } from '../policy/policy.ts';
import type { PlacementRequest } from '../request.ts';
import { totalOf } from '../score.ts';
import type { Score } from '../score.ts';

/** What wishes count beside all terms of a policy together. */
const WISH_SHARE = 0.3;

/**
 * The score with how well the host meets wishes of the request; as it was without a wish. Wishes that
 * are in it already and these count the same.
 */
export function withWishes(score: Score, met: number | undefined): Score {
  if (met === undefined) return score;
  const own = score.terms.filter(({ name }) => name !== 'wishes');
  const before = score.terms.find(({ name }) => name === 'wishes');
  const value = before === undefined ? met : (before.value + met) / 2;
  const sum = own.reduce((all, term) => all + term.weight, 0);
  const terms = [...own, { name: 'wishes' as const, weight: wishWeight(sum), value }];
  const total = before === undefined ? score.total : totalOf(own);
  return { total: weigh(total, sum, value), terms };
}

/** Whether a host that has PCI functions near the guest is better by itself. */
export function wishesNearPci({ pci = [] }: PlacementRequest): boolean {
  return pci.some(({ locality }) => locality === 'preferred');
}

/**
 * The most that a host's own total can become.
 * @param met how well the host meets the wishes between VMs, where that is known; else every one.
 * Which part of a total comes from PCI functions cannot be told from it; so there is no better bound
 * than 1 for a request that wishes for both.
 */
export function mostWithWishes(
  total: number,
  of: { readonly policy: Policy; readonly request: PlacementRequest; readonly met?: number },
): number {
  const { policy, request, met = 1 } = of;
  const { affinity = [], antiAffinity = [], spread = [] } = request;
  if ([...affinity, ...antiAffinity, ...spread].every(({ hard }) => hard)) return total;
  if (wishesNearPci(request)) return 1;
  return weigh(total, weighedTerms(policy).sum, met);
}

/** One way to reckon for both, so that what is most stays most whatever is rounded. */
function weigh(total: number, sum: number, met: number): number {
  const weight = wishWeight(sum);
  return (total * sum + met * weight) / (sum + weight);
}

function wishWeight(sum: number): number {
  return sum === 0 ? 1 : sum * WISH_SHARE;
}
