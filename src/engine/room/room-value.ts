import { KIB } from '../../base/units.ts';
import type { GuestKind, PricedKind } from './demand.ts';
import type { RoomLayout } from './room-layout.ts';
import { CELL, cellAt, HOST, pagesAt } from './room-layout.ts';

/**
 * How many guests of that kind a host could still take, were there no other: exact for guests of one
 * cell and of several, but for what only a placement can see (siblings, sets of pCPUs, nodes of
 * memory).
 */
export function guestsThatFit(row: Float64Array, layout: RoomLayout, kind: GuestKind): number {
  const most = mostByHost(row, kind);
  if (kind.cells === 0) return most;
  let sum = 0;
  for (let index = 0; index < layout.cells; index++) {
    sum += partsThatFit(row, cellAt(layout, index), pagesFor(layout, kind), kind);
  }
  if (kind.cells === 1) return Math.min(sum, most);
  return Math.min(together(row, layout, { kind, sum }), most);
}

/** What all the room of a host is worth: the guests of each kind that it could take, by their price. */
export function valueOf(
  row: Float64Array,
  layout: RoomLayout,
  kinds: readonly PricedKind[],
): number {
  let value = 0;
  for (const kind of kinds) value += kind.price * guestsThatFit(row, layout, kind);
  return value;
}

/** Where a kind's pages are within a cell's numbers: -1 ordinary memory, -2 there are none such. */
function pagesFor(layout: RoomLayout, { pageKiB }: GuestKind): number {
  if (pageKiB <= ORDINARY_MOST_KIB) return -1;
  const at = pagesAt(layout, pageKiB);
  return at < 0 ? -2 : at;
}

/** The largest size of ordinary pages (arm64, ppc64). */
const ORDINARY_MOST_KIB = 64;

function mostByHost(row: Float64Array, kind: GuestKind): number {
  const parts = Math.max(1, kind.cells);
  const cpus = (kind.policy === 'dedicated' ? row[HOST.free] : row[HOST.floats]) ?? 0;
  const byCpu = Math.floor(cpus / (kind.vcpus * parts));
  const counts = kind.pageKiB <= ORDINARY_MOST_KIB || row[HOST.ramCountsAll] === 1;
  const byRam = counts ? Math.floor((row[HOST.ram] ?? 0) / (kind.bytes * parts)) : byCpu;
  return Math.max(0, Math.min(byCpu, byRam));
}

function partsThatFit(row: Float64Array, at: number, pages: number, kind: GuestKind): number {
  if (pages === -2) return 0;
  const dedicated = kind.policy === 'dedicated';
  const cpus = row[at + (dedicated ? CELL.free : CELL.floats)] ?? 0;
  const byCpu = Math.floor(cpus / kind.vcpus);
  if (byCpu <= 0) return 0;
  const byMemory =
    pages < 0
      ? Math.floor((row[at + (dedicated ? CELL.bytes : CELL.floatBytes)] ?? 0) / kind.bytes)
      : Math.floor((row[at + pages] ?? 0) / Math.ceil(kind.bytes / (kind.pageKiB * KIB)));
  return Math.max(0, Math.min(byCpu, byMemory));
}

/**
 * The most guests of several cells, no two parts of one in the same cell: n of them fit exactly
 * when the cells can take n * cells parts, no cell more than n.
 */
function together(
  row: Float64Array,
  layout: RoomLayout,
  of: { readonly kind: GuestKind; readonly sum: number },
): number {
  const { kind } = of;
  const pages = pagesFor(layout, kind);
  let most = Math.floor(of.sum / kind.cells);
  while (most > 0) {
    let parts = 0;
    for (let index = 0; index < layout.cells; index++) {
      parts += Math.min(most, partsThatFit(row, cellAt(layout, index), pages, kind));
    }
    if (parts >= most * kind.cells) return most;
    most = Math.floor(parts / kind.cells);
  }
  return 0;
}
