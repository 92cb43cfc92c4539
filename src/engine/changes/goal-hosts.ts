import type { Seat } from '../../model/host.ts';
import { KIB } from '../../base/units.ts';
import { ORDINARY_PAGE_KIB } from '../../model/placement.ts';
import type { Ledger } from '../ledger.ts';
import { hostRoomPages } from '../ledger.ts';
import { mayUse } from '../relations/host-rules.ts';
import type { PlacementRequest } from '../request.ts';
import { bytesOf } from './seat-request.ts';
import type { World } from './world.ts';

/**
 * Hosts that could take the VM if at most so many managed VMs left them, those first that fewest must
 * leave. Of hosts with equal books one stands for all. What is counted here is sums over the host, so
 * that many that are listed will not do; and where there are very many, some that would are missing.
 */
export function goalHosts(
  { ledgers, likenesses }: World,
  request: PlacementRequest,
  most: number,
): readonly Ledger[] {
  const goals = ledgers
    .filter((ledger) => mayUse(ledger.host, request))
    .map((ledger) => ({ ledger, least: leastToLeave(ledger, request, most) }))
    .filter(({ least }) => least <= most)
    .toSorted((a, b) => a.least - b.least)
    .slice(0, LOOKED_AT_MAX);
  const distinct = new Map<string, Ledger>();
  for (const { ledger } of goals) {
    if (distinct.size === GOALS_MAX) break;
    const key = likenesses.of(ledger);
    if (!distinct.has(key)) distinct.set(key, ledger);
  }
  return [...distinct.values()];
}

/** More hosts than this are not looked into, of so many of which it is known whether they are alike. */
const GOALS_MAX = 256;
const LOOKED_AT_MAX = 4096;

/** How many VMs must leave at least, by the largest of them; beyond `most` it does not matter. */
function leastToLeave(ledger: Ledger, request: PlacementRequest, most: number): number {
  const short = shortages(ledger, request).filter(({ missing }) => missing > 0);
  if (short.length === 0) return 0;
  const seats = [...ledger.seats.values()].filter((seat) => seat.managed);
  const counts = short.map(({ missing, held }) => {
    const largest = seats
      .map(held)
      .toSorted((a, b) => b - a)
      .slice(0, most);
    let left = missing;
    const enough = largest.findIndex((amount) => (left -= amount) <= 0);
    return enough === -1 ? Number.POSITIVE_INFINITY : enough + 1;
  });
  return Math.max(0, ...counts);
}

interface Shortage {
  readonly missing: number;
  /** How much of it a seat has. */
  readonly held: (seat: Seat) => number;
}

function shortages(ledger: Ledger, request: PlacementRequest): readonly Shortage[] {
  const { memoryBytes, nodeset, pageKiB = ORDINARY_PAGE_KIB } = request;
  const huge = pageKiB > ledger.shape.basePageKiB;
  const cpus = {
    missing: dedicatedOf(request) - ledger.free.size,
    held: (seat: Seat): number => seat.dedicated.length,
  };
  const pages = {
    missing: Math.ceil(memoryBytes / (pageKiB * KIB)) - hostRoomPages(ledger, pageKiB),
    held: (seat: Seat): number =>
      seat.memory.some((share) => share.pageKiB === pageKiB) ? bytesOf(seat) / (pageKiB * KIB) : 0,
  };
  const memory = {
    missing: memoryBytes - (ledger.limitBytes * ledger.host.policy.ramRatio - ledger.usedBytes),
    held: (seat: Seat): number => bytesOf(seat) + seat.overheadBytes,
  };
  return [cpus, ...(huge ? [pages] : []), ...(huge || nodeset !== undefined ? [] : [memory])];
}

/** vCPUs that want a pCPU each. */
function dedicatedOf({ policy, vcpus, dedicatedVcpus = [] }: PlacementRequest): number {
  return policy === 'dedicated' ? vcpus : dedicatedVcpus.length;
}
