import { labelPairs } from '../../model/relation.ts';
import { roomBytes } from '../ledger.ts';
import type { Ledger } from '../ledger.ts';
import type { PlacementRequest } from '../request.ts';

/** One VM of a group, in the order in which the search seats them. */
export interface Member {
  readonly request: PlacementRequest;
  /**
   * The request without the affinity and spread over VMs of the group that have no seat yet: these
   * are held to when all have one.
   */
  readonly meanwhile: PlacementRequest;
  /** Without any affinity and spread: what forbids a host now forbids it whoever comes. */
  readonly lasting: PlacementRequest;
  /** Its place among the requests. */
  readonly index: number;
  /** Equal for members that ask for the same. */
  readonly kind: string;
  readonly uuid: string;
}

/** The members of a group: those with the fewest hosts to go to first, then the largest. */
export function membersOf(
  ledgers: readonly Ledger[],
  requests: readonly PlacementRequest[],
): readonly Member[] {
  const shares = sharesOn(ledgers);
  const order = requests
    .map((request, index) => ({ request, index, kind: kindOf(request), size: shares(request) }))
    .toSorted(
      (a, b) =>
        Number(isTied(b.request)) - Number(isTied(a.request)) ||
        b.size - a.size ||
        (a.kind < b.kind ? -1 : Number(a.kind > b.kind)) ||
        a.index - b.index,
    );
  return order.map(({ request, index, kind }, at) => ({
    request,
    meanwhile: meanwhile(
      request,
      order.slice(at + 1).map((later) => later.request),
    ),
    lasting: { ...request, affinity: [], spread: [] },
    index,
    kind,
    uuid: request.uuid ?? `member ${index} of a group`,
  }));
}

function kindOf(request: PlacementRequest): string {
  return JSON.stringify({ ...request, name: '', uuid: undefined });
}

function isTied({ hosts, hostLabels, cpuset, nodeset }: PlacementRequest): boolean {
  return [hosts.length > 0 ? hosts : undefined, hostLabels, cpuset, nodeset].some(
    (tie) => tie !== undefined,
  );
}

/** How large a request is beside all that is free: the larger of its shares of pCPUs and memory. */
function sharesOn(ledgers: readonly Ledger[]): (request: PlacementRequest) => number {
  let [cpus, bytes] = [0, 0];
  for (const { free, cells } of ledgers) {
    cpus += free.size;
    for (const cell of cells) bytes += Math.max(0, roomBytes(cell));
  }
  return ({ policy, threads, vcpus, memoryBytes }) => {
    const own = policy === 'shared' ? 0 : vcpus * (threads === 'isolate' ? 2 : 1);
    return Math.max(own / Math.max(1, cpus), memoryBytes / Math.max(1, bytes));
  };
}

function meanwhile(
  request: PlacementRequest,
  later: readonly PlacementRequest[],
): PlacementRequest {
  const pending = new Set(later.flatMap(({ labels }) => labelPairs(labels)));
  const isOpen = (selector: string | undefined): boolean =>
    selector === undefined ? later.length > 0 : pending.has(selector);
  const { affinity, spread, ...rest } = request;
  return {
    ...rest,
    ...(affinity === undefined
      ? {}
      : { affinity: affinity.filter(({ selector }) => !isOpen(selector)) }),
    ...(spread === undefined ? {} : { spread: spread.filter(({ selector }) => !isOpen(selector)) }),
  };
}
