import type { BitSet } from '../../base/bit-set.ts';
import type { CellShape } from '../host-shape.ts';
import type { CellAccount, Ledger } from '../ledger.ts';
import { roomBytes, roomPages } from '../ledger.ts';
import { isApart, pcpusFor, vcpusAllowed } from '../shared-pool.ts';
import type { RoomLayout } from './room-layout.ts';
import { CELL, cellAt, HOST } from './room-layout.ts';

/**
 * Writes what a host can still give into its row of numbers. Counts alone: where some floating
 * guest is kept to a few pCPUs they may promise more than placing finds, never less.
 */
export function writeRoom(
  ledger: Ledger,
  layout: RoomLayout,
  to: { readonly row: Float64Array; readonly at: number },
): void {
  const { row, at } = to;
  const { cells, pool, free, limitBytes, usedBytes, host } = ledger;
  const floating = floatsOnHost(ledger);
  const taken = ledger.freeEver.size - free.size;
  const apart = isApart(ledger);
  row[at + HOST.free] = apart ? free.size : pool.size - pcpusFor(ledger, floating);
  row[at + HOST.pool] = pool.size;
  row[at + HOST.floats] = vcpusAllowed(ledger, pool.size) - floating;
  row[at + HOST.ram] = Math.floor(limitBytes * host.policy.ramRatio) - usedBytes;
  const cpus = apart ? ledger.freeEver.size + ledger.poolEver.size : ledger.freeEver.size;
  row[at + HOST.cpus] = cpus;
  row[at + HOST.cpuRatio] = host.policy.cpuRatio;
  row[at + HOST.cpusUsed] = taken + floating / host.policy.cpuRatio;
  row[at + HOST.memory] = limitBytes;
  row[at + HOST.memoryUsed] = usedBytes;
  row[at + HOST.inUse] = ledger.seats.size > 0 ? 1 : 0;
  row[at + HOST.end] = latestEnd(ledger);
  row[at + HOST.ramCountsAll] = host.policy.ramCounts === 'all' ? 1 : 0;
  row[at + HOST.widthByHost] = host.policy.guestWidth === 'host' ? 1 : 0;
  row[at + HOST.threads] = ledger.shape.threads;
  row[at + HOST.leastThreads] = ledger.shape.leastThreads;
  row[at + HOST.odd] = hasOddFloats(ledger) ? 1 : 0;
  for (const [index, cell] of cells.entries()) {
    const shape = ledger.shape.cells[index];
    if (shape !== undefined) {
      writeCell(ledger, { cell, shape, layout }, { row, at: at + cellAt(layout, index) });
    }
  }
}

function writeCell(
  ledger: Ledger,
  what: { readonly cell: CellAccount; readonly shape: CellShape; readonly layout: RoomLayout },
  to: { readonly row: Float64Array; readonly at: number },
): void {
  const { cell, shape, layout } = what;
  const { row, at } = to;
  const { pool, free } = ledger;
  const inPool = shape.cpus.countIn(pool);
  const floating = ledger.floats.size === 0 ? 0 : floatsKeptTo(ledger, shape);
  const open = isApart(ledger) ? shape.cpus.countIn(free) : inPool - pcpusFor(ledger, floating);
  row[at + CELL.free] = open;
  row[at + CELL.whole] = wholeCores(shape, free);
  row[at + CELL.bytes] = roomBytes(cell);
  row[at + CELL.floatBytes] = roomBytes(cell, ledger.host.policy.boundRatio ?? 1);
  row[at + CELL.pool] = inPool;
  row[at + CELL.floats] = vcpusAllowed(ledger, inPool) - floating;
  const isTaken =
    floating > 0 ||
    cell.boundBytes > 0 ||
    shape.cpus.countIn(free) < shape.cpus.countIn(ledger.freeEver) ||
    cell.pools.some((pages) => pages.claimed > 0);
  row[at + CELL.untouched] = isTaken ? 0 : 1;
  row[at + CELL.floating] = floating;
  row[at + CELL.idle] = shape.cpus.countIn(free);
  row[at + CELL.cpus] = shape.cpus.countIn(ledger.freeEver);
  row[at + CELL.memory] = cell.limitBytes;
  for (const [slot, size] of layout.pageSizes.entries()) {
    row[at + layout.stride - layout.pageSizes.length + slot] = roomPages(cell, size);
  }
}

function hasOddFloats({ floats, pool, shape }: Ledger): boolean {
  for (const { over, home } of floats.values()) {
    if (over === undefined || home !== undefined) continue;
    const now = over.and(pool);
    const isEven =
      now.isEmpty || now.equals(pool) || shape.cells.some(({ cpus }) => now.equals(cpus.and(pool)));
    if (!isEven) return true;
  }
  return false;
}

function wholeCores({ cores }: CellShape, free: BitSet): number {
  let whole = 0;
  for (const core of cores) if (free.hasAll(core.cpus)) whole++;
  return whole;
}

/** When the last guest is expected to be gone; 0 where one of them does not tell. */
function latestEnd({ seats }: Ledger): number {
  let latest = 0;
  for (const { expectedEnd } of seats.values()) {
    if (expectedEnd === undefined) return 0;
    latest = Math.max(latest, expectedEnd);
  }
  return latest;
}

/** vCPUs that can run nowhere but in that cell; the ones that have lost every pCPU do not count. */
function floatsKeptTo({ floats, pool }: Ledger, { index, cpus }: CellShape): number {
  let sum = 0;
  for (const { over, home, vcpus } of floats.values()) {
    const isKept = home === undefined ? runsWithin(over, pool, cpus.and(pool)) : home === index;
    if (isKept) sum += vcpus;
  }
  return cpus.countIn(pool) === 0 ? 0 : sum;
}

/** vCPUs that float on the host; the ones that have lost every pCPU do not count. */
function floatsOnHost({ floats, pool }: Ledger): number {
  let sum = 0;
  for (const { over, vcpus } of floats.values()) {
    if (over === undefined ? !pool.isEmpty : over.countIn(pool) > 0) sum += vcpus;
  }
  return sum;
}

function runsWithin(over: BitSet | undefined, pool: BitSet, cpus: BitSet): boolean {
  const now = over === undefined ? pool : over.and(pool);
  return !now.isEmpty && now.isSubsetOf(cpus);
}
