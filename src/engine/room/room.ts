import type { Ledger } from '../ledger.ts';
import type { Consequence, ScoredGuest } from '../policy/consequence.ts';
import type { Outlook } from '../policy/outlook.ts';
import type { Effect } from './effect.ts';
import { takeFrom } from './effect.ts';
import type { RoomLayout } from './room-layout.ts';
import { CELL, cellAt, layoutOfShape } from './room-layout.ts';
import { writeRoom } from './write-room.ts';

/** What one host can still give, in counts, as it stood when this was first asked for something. */
export class Room {
  readonly #ledger: Ledger;
  readonly #outlook: Outlook;
  readonly layout: RoomLayout;
  #row: Float64Array | undefined;
  #worth: number | undefined;

  constructor(ledger: Ledger, outlook: Outlook) {
    this.#ledger = ledger;
    this.#outlook = outlook;
    this.layout = layoutOfShape(ledger.shape);
  }

  get row(): Float64Array {
    if (this.#row === undefined) {
      this.#row = new Float64Array(this.layout.width);
      writeRoom(this.#ledger, this.layout, { row: this.#row, at: 0 });
    }
    return this.#row;
  }

  /** What a guest that takes that much leaves of the host. */
  after(guest: ScoredGuest, effect: Effect): Consequence {
    const { row, layout } = this;
    const { worth } = this.#outlook;
    this.#worth ??= worth.of(row, layout);
    const after = new Float64Array(layout.width);
    takeFrom(row, layout, { effect, after });
    return { layout, before: row, after, effect, guest, worth, worthBefore: this.#worth };
  }
}

/** Floating vCPUs of a cell for each pCPU of its pool, once that many more are there. */
export function loadIn(
  { row, layout }: Pick<Room, 'row' | 'layout'>,
  index: number,
  vcpus: number,
): number {
  const at = cellAt(layout, index);
  const pool = row[at + CELL.pool] ?? 0;
  return ((row[at + CELL.floating] ?? 0) + vcpus) / Math.max(1, pool);
}
