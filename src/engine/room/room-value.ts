import { KIB } from '../../base/units.ts';
import { ORDINARY_PAGE_KIB } from '../../model/placement.ts';
import type { GuestKind, PricedKind } from './demand.ts';
import type { RoomLayout } from './room-layout.ts';
import { CELL, cellAt, HOST, pagesAt } from './room-layout.ts';

/** Counts guests of one kind on hosts of one layout. */
export interface RoomCounter {
  readonly price: number;
  /** How many more of them a host with that row takes. */
  readonly count: (row: Float64Array) => number;
}

/** A counter for guests of a kind, with everything looked up that is the same for all hosts. */
export function roomCounter(layout: RoomLayout, kind: PricedKind): RoomCounter {
  const needs = needsOf(layout, kind);
  if (needs === undefined) return { price: kind.price, count: () => 0 };
  const of = { kind, needs };
  return { price: kind.price, count: (row) => countOn(row, layout, of) };
}

/**
 * How many guests of that kind a host could still take, were there no other: exact for guests of one
 * cell and of several, but for what only a placement can see (siblings, sets of pCPUs, nodes of
 * memory).
 */
export function guestsThatFit(row: Float64Array, layout: RoomLayout, kind: GuestKind): number {
  return roomCounter(layout, { ...kind, price: 1 }).count(row);
}

/** Where in a cell's numbers a part's pCPUs and memory are, and how much of each it takes. */
interface PartNeeds {
  readonly cpusAt: number;
  readonly vcpus: number;
  readonly memoryAt: number;
  readonly memory: number;
}

function needsOf(layout: RoomLayout, kind: GuestKind): PartNeeds | undefined {
  const dedicated = kind.policy === 'dedicated';
  const cpus = { cpusAt: dedicated ? CELL.free : CELL.floats, vcpus: kind.vcpus };
  if (kind.pageKiB <= ORDINARY_PAGE_KIB) {
    const memoryAt = dedicated ? CELL.bytes : CELL.floatBytes;
    return { ...cpus, memoryAt, memory: kind.bytes };
  }
  const memoryAt = pagesAt(layout, kind.pageKiB);
  const memory = Math.ceil(kind.bytes / (kind.pageKiB * KIB));
  return memoryAt < 0 ? undefined : { ...cpus, memoryAt, memory };
}

function countOn(
  row: Float64Array,
  layout: RoomLayout,
  of: { readonly kind: GuestKind; readonly needs: PartNeeds },
): number {
  const { kind, needs } = of;
  const most = mostByHost(row, kind);
  if (kind.cells === 0 || most === 0) return most;
  let [sum, largest] = [0, 0];
  for (let index = 0; index < layout.cells; index++) {
    const parts = partsThatFit(row, cellAt(layout, index), needs);
    sum += parts;
    largest = Math.max(largest, parts);
  }
  if (kind.cells === 1) return Math.min(sum, most);
  const pairs = Math.min(Math.floor(sum / 2), sum - largest);
  const together =
    kind.cells === 2 ? pairs : inCells(row, layout, { needs, sum, cells: kind.cells });
  return Math.min(together, most);
}

function mostByHost(row: Float64Array, kind: GuestKind): number {
  const parts = Math.max(1, kind.cells);
  const cpus = (kind.policy === 'dedicated' ? row[HOST.free] : row[HOST.floats]) ?? 0;
  const byCpu = Math.floor(cpus / (kind.vcpus * parts));
  const counts = kind.pageKiB <= ORDINARY_PAGE_KIB || row[HOST.ramCountsAll] === 1;
  const byRam = counts ? Math.floor((row[HOST.ram] ?? 0) / (kind.bytes * parts)) : byCpu;
  return Math.max(0, Math.min(byCpu, byRam));
}

function partsThatFit(row: Float64Array, at: number, needs: PartNeeds): number {
  const byCpu = Math.floor((row[at + needs.cpusAt] ?? 0) / needs.vcpus);
  const byMemory = Math.floor((row[at + needs.memoryAt] ?? 0) / needs.memory);
  return Math.max(0, Math.min(byCpu, byMemory));
}

/**
 * The most guests of several cells, no two parts of one in the same cell: n of them fit exactly
 * when the cells can take n * cells parts, no cell more than n.
 */
function inCells(
  row: Float64Array,
  layout: RoomLayout,
  of: { readonly needs: PartNeeds; readonly sum: number; readonly cells: number },
): number {
  const { needs, cells } = of;
  let most = Math.floor(of.sum / cells);
  while (most > 0) {
    let parts = 0;
    for (let index = 0; index < layout.cells; index++) {
      parts += Math.min(most, partsThatFit(row, cellAt(layout, index), needs));
    }
    if (parts >= most * cells) return most;
    most = Math.floor(parts / cells);
  }
  return 0;
}
