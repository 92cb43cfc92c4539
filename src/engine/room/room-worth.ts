import type { CellWorth } from './cell-worth.ts';
import type { PricedKind } from './demand.ts';
import type { RoomLayout } from './room-layout.ts';
import { HOST } from './room-layout.ts';
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
    let worth = row[HOST.inUse] === 0 ? EMPTY_HOST : 0;
    for (const { price, count } of this.#countersFor(layout)) worth += price * count(row);
    return worth + (this.#cells?.of(row, layout) ?? 0);
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
