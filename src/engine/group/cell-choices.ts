import { layoutOf } from '../frame.ts';
import type { Ledger } from '../ledger.ts';
import type { PlacementRequest } from '../request.ts';
import { isPlain } from '../request.ts';
import { subsetsOf } from '../subsets.ts';

/** How many sets of cells are tried for one VM on one host. */
const CHOICES_MOST = 64;
/** How many sets are looked at to find those that differ. */
const SETS_MOST = 2000;

/** Sets of cells, by their ids. */
export interface CellChoices {
  readonly sets: readonly (readonly number[])[];
  /** False where there are others that differ and are not among them. */
  readonly complete: boolean;
}

/**
 * The sets of cells on which a VM of so many cells may be tried, one of those that are alike: the
 * engine takes the best for this VM alone, which need not be the best for a group.
 */
export function cellChoices(ledger: Ledger, request: PlacementRequest, count: number): CellChoices {
  const cells = ledger.cells.filter((cell) => cell.hasCpus).map((cell) => cell.index);
  if (!isFree(ledger, request)) return { sets: [], complete: isSettled(request, cells.length) };
  const complete = isPlain(request) && (count === 1 || isEven(request, count));
  if (count >= cells.length) return { sets: [], complete };
  const looks = new Map(cells.map((index) => [index, lookOf(ledger, index)]));
  const chosen = new Map<string, readonly number[]>();
  let seen = 0;
  for (const set of subsetsOf(cells, count)) {
    if (++seen > SETS_MOST) return { sets: [...chosen.values()], complete: false };
    const look = set.map((index) => looks.get(index) ?? '').toSorted();
    const key = look.join('/');
    if (chosen.has(key)) continue;
    if (chosen.size === CHOICES_MOST) return { sets: [...chosen.values()], complete: false };
    chosen.set(
      key,
      set.map((index) => ledger.cells[index]?.id ?? index),
    );
  }
  return { sets: [...chosen.values()], complete };
}

/** Into how many guest cells a VM may be cut at most where that is Berth's to choose; else undefined. */
export function mostCells(ledger: Ledger, request: PlacementRequest): number | undefined {
  if (request.cells !== 'auto' || layoutOf(ledger, request) !== 'bound') return undefined;
  return Math.min(request.vcpus, ledger.cells.filter((cell) => cell.hasCpus).length);
}

/** Whether the cells are Berth's to choose, and nothing but the VM's own limits decides. */
function isFree(ledger: Ledger, request: PlacementRequest): boolean {
  const { cells, nodeset, memoryMode } = request;
  return (
    typeof cells !== 'object' &&
    nodeset === undefined &&
    (memoryMode === undefined || memoryMode === 'strict') &&
    layoutOf(ledger, request) === 'bound'
  );
}

/** Whether a VM whose cells are not chosen here has one place only among so many cells. */
function isSettled(request: PlacementRequest, cells: number): boolean {
  return isPlain(request) && (cells === 1 || request.cells === 'none');
}

/** Whether all guest cells are alike, so that it is one which of them lies where. */
function isEven({ vcpus, memoryBytes }: PlacementRequest, count: number): boolean {
  return vcpus % count === 0 && memoryBytes % count === 0;
}

/** What a cell looks like to a VM that comes; cells of the same look are alike. */
function lookOf(ledger: Ledger, index: number): string {
  const { host, shape, cells, free, floats } = ledger;
  const account = cells[index];
  const cores = (shape.cells[index]?.cores ?? []).map(
    ({ cpus }) => `${cpus.filter((cpu) => free.has(cpu)).length}/${cpus.length}`,
  );
  const pools = account?.pools.map(({ sizeKiB, total, claimed, pending, free: unused }) =>
    [sizeKiB, total - claimed, unused - pending].join(' '),
  );
  // What is not compared here makes a cell one of its own.
  const own = floats.size > 0 || host.topology.cells[index]?.pci.length !== 0 ? index : '';
  const bytes = (account?.limitBytes ?? 0) - (account?.boundBytes ?? 0);
  return JSON.stringify([own, cores.toSorted(), account?.limitBytes, bytes, pools]);
}
