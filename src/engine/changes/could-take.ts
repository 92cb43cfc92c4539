import { KIB, MIB } from '../../base/units.ts';
import { isHard } from '../frame.ts';
import { ORDINARY_PAGE_KIB } from '../../model/placement.ts';
import type { CellAccount, Ledger } from '../ledger.ts';
import { roomBytes, roomPages } from '../ledger.ts';
import type { PlacementRequest } from '../request.ts';

/**
 * A quick look at sums, before a host is asked: false where it cannot take the VM for sure. Most of
 * many hosts are told apart by it from the few that have to be looked into.
 */
export function couldTake(ledger: Ledger, request: PlacementRequest): boolean {
  const { policy, vcpus, dedicatedVcpus = [], cells } = request;
  const own = policy === 'dedicated' ? vcpus : dedicatedVcpus.length;
  if (own > ledger.free.size) return false;
  const isBound = policy === 'dedicated' || typeof cells === 'number';
  if (!isBound || typeof cells === 'object') return true;
  const most = ledger.cells.length;
  const [from, to] = typeof cells === 'number' ? [cells, cells] : [1, most];
  for (let parts = from; parts <= Math.min(to, most); parts++) {
    const part = leastPart(ledger, request, parts);
    const fitting = ledger.cells.filter((cell) => cellCouldTake(ledger, cell, part));
    if (fitting.length >= parts) return true;
  }
  return false;
}

/** The least that any cell of the guest needs, if it is cut into so many. */
interface Part {
  readonly cpus: number;
  readonly bytes: number;
  readonly pages: number;
  readonly pageKiB: number;
}

function leastPart(ledger: Ledger, request: PlacementRequest, parts: number): Part {
  const { policy, vcpus, memoryBytes, memoryMode, nodeset } = request;
  const { pageKiB = ORDINARY_PAGE_KIB } = request;
  const { threads, basePageKiB } = ledger.shape;
  const isHuge = pageKiB > basePageKiB;
  const isKept = nodeset === undefined && (memoryMode === undefined || isHard(memoryMode));
  return {
    // Cores are shared out whole, and units of memory: a part may have one less than the others.
    cpus: policy === 'dedicated' ? Math.floor(Math.floor(vcpus / threads) / parts) * threads : 0,
    bytes: isKept && !isHuge ? Math.floor(memoryBytes / parts) - MIB : 0,
    pages: isKept && isHuge ? Math.floor(memoryBytes / (pageKiB * KIB) / parts) : 0,
    pageKiB,
  };
}

function cellCouldTake(ledger: Ledger, cell: CellAccount, part: Part): boolean {
  const { boundRatio = 1 } = ledger.host.policy;
  const cpus = ledger.shape.cells[cell.index]?.cpus.countIn(ledger.free) ?? 0;
  return (
    cell.hasCpus &&
    cpus >= part.cpus &&
    (part.bytes <= 0 || roomBytes(cell, Math.max(1, boundRatio)) >= part.bytes) &&
    (part.pages === 0 || roomPages(cell, part.pageKiB) >= part.pages)
  );
}
