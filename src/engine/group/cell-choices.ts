import { layoutOf } from '../frame.ts';
import type { Ledger } from '../ledger.ts';
import type { PlacementRequest } from '../request.ts';

/** How many sets of cells are tried for one VM on one host. */
const CHOICES_MOST = 64;
/** How many sets are looked at to find those that differ. */
const SETS_MOST = 2000;

/**
 * The sets of cells on which a VM of so many cells may be tried, one of those that are alike: the
 * engine takes the best for this VM alone, which need not be the best for a group.
 */
export function cellChoices(
  ledger: Ledger,
  request: PlacementRequest,
  count: number,
): readonly (readonly number[])[] {
  const cells = ledger.cells.filter((cell) => cell.hasCpus).map((cell) => cell.index);
  if (!isFree(ledger, request) || count >= cells.length) return [];
  const looks = new Map(cells.map((index) => [index, lookOf(ledger, index)]));
  const chosen = new Map<string, readonly number[]>();
  let seen = 0;
  for (const set of setsOf(cells, count)) {
    if (chosen.size >= CHOICES_MOST || ++seen > SETS_MOST) break;
    const look = set.map((index) => looks.get(index) ?? '').toSorted();
    const key = look.join('/');
    if (!chosen.has(key))
      chosen.set(
        key,
        set.map((index) => ledger.cells[index]?.id ?? index),
      );
  }
  return [...chosen.values()];
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

/** Every set of `count` of the items, in order. */
function* setsOf(items: readonly number[], count: number): Generator<readonly number[]> {
  if (count === 0) {
    yield [];
    return;
  }
  for (const [at, item] of items.entries()) {
    for (const rest of setsOf(items.slice(at + 1), count - 1)) yield [item, ...rest];
  }
}
