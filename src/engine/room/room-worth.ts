import type { CellWorth } from './cell-worth.ts';
import type { PricedKind } from './demand.ts';
import type { RoomLayout } from './room-layout.ts';
import { CELL, cellAt, HOST } from './room-layout.ts';
import { roomCounter } from './room-value.ts';
import type { RoomCounter } from './room-value.ts';

/**
 * What the room of hosts is worth, in guests of the mean kind: what each cell's free pCPUs and
 * memory can still be filled with; for kinds that need more than that (page pools, the host's
 * shared pool), how many of each still fit, by their price; and a little for a host that is empty.
 */
export class RoomWorth {
  readonly #kinds: readonly PricedKind[];
  readonly #cells: CellWorth | undefined;
  readonly #counters = new WeakMap<RoomLayout, readonly RoomCounter[]>();

  constructor(kinds: readonly PricedKind[] = [], cells?: CellWorth) {
    this.#kinds = kinds;
    this.#cells = cells;
  }

  /** What the room of one host is worth. */
  of(row: Float64Array, layout: RoomLayout): number {
    let worth = this.beside(row, layout);
    for (let index = 0; index < layout.cells; index++) worth += this.#cell(row, layout, index);
    return worth;
  }

  /** What it is worth beside what its cells can be filled with. */
  beside(row: Float64Array, layout: RoomLayout): number {
    let worth = this.leastOnHost(row);
    for (const { price, count } of this.#countersFor(layout)) worth += price * count(row);
    return worth;
  }

  /** What is lost between two rows of a host that differ in those cells alone. */
  lost(
    layout: RoomLayout,
    rows: {
      readonly before: Float64Array;
      readonly after: Float64Array;
      /** `beside` of the row before. */
      readonly worthBefore: number;
      readonly cells: readonly { readonly index: number }[];
    },
  ): number {
    const { before, after, cells } = rows;
    let lost = rows.worthBefore - this.beside(after, layout);
    for (const { index } of cells) {
      lost += this.#cell(before, layout, index) - this.#cell(after, layout, index);
    }
    return lost;
  }

  /**
   * What is lost at least where dedicated vCPUs take so much of a cell: `lost` beside what it does to
   * the kinds that are counted, for which room never grows, and beside `leastOnHost`.
   */
  leastInCell(row: Float64Array, at: number, taken: { pcpus: number; bytes: number }): number {
    if (this.#cells === undefined) return 0;
    const [free, bytes] = [row[at + CELL.free] ?? 0, row[at + CELL.bytes] ?? 0];
    return this.#cells.of(free, bytes) - this.#cells.of(free - taken.pcpus, bytes - taken.bytes);
  }

  /** What any guest takes from a host: that it is empty. */
  leastOnHost(row: Float64Array): number {
    return row[HOST.inUse] === 0 ? EMPTY_HOST : 0;
  }

  #cell(row: Float64Array, layout: RoomLayout, index: number): number {
    return this.#cells?.at(row, cellAt(layout, index)) ?? 0;
  }

  /** A loss of worth as a value from 0 to 1: 1 where nothing is lost, half where one mean guest is. */
  static kept(loss: number): number {
    return 1 / (1 + Math.max(0, loss));
  }

  #countersFor(layout: RoomLayout): readonly RoomCounter[] {
    const known = this.#counters.get(layout);
    if (known !== undefined) return known;
    const made = this.#kinds.map((kind) => roomCounter(layout, kind));
    this.#counters.set(layout, made);
    return made;
  }
}

/**
 * What it is worth that a host is empty, in mean guests: enough to fill hosts that are in use first
 * where two places cost about the same, too little to spoil a cell for it. Measured on made-up
 * fleets of many seeds: from 0.1 on hosts in use no longer shrink, from 1 on more is refused.
 */
const EMPTY_HOST = 0.1;

/** Worth where nothing is known of the guests to come: no room is worth anything. */
export const NO_WORTH = new RoomWorth();
