import type { Ledger } from '../ledger.ts';
import type { Consequence, ScoredGuest } from '../policy/consequence.ts';
import type { Outlook } from '../policy/outlook.ts';
import type { Policy } from '../policy/policy.ts';
import type { Effect } from './effect.ts';
import { takeFrom } from './effect.ts';
import type { RoomLayout } from './room-layout.ts';
import { CELL, cellAt, layoutOfShape } from './room-layout.ts';
import { writeRoom } from './write-room.ts';

/** What one host can still give, in counts, and what is left of it after a guest. */
export class Room {
  readonly layout: RoomLayout;
  readonly row: Float64Array;
  readonly outlook: Outlook;
  #worth: number | undefined;

  /**
   * @param known the row, and what it is worth where that is known; the row is written anew where
   * it is absent.
   */
  constructor(
    ledger: Ledger,
    outlook: Outlook,
    known?: { readonly row: Float64Array; readonly worth: number },
  ) {
    this.outlook = outlook;
    this.layout = layoutOfShape(ledger.shape);
    this.row = known?.row ?? roomOf(ledger, this.layout);
    this.#worth = known?.worth;
  }

  get policy(): Policy {
    return this.outlook.policy;
  }

  /** What the host's room is worth beside what its cells can be filled with. */
  get worth(): number {
    this.#worth ??= this.outlook.worth.beside(this.row, this.layout);
    return this.#worth;
  }

  /** What a guest that takes that much leaves of the host; good until this is asked of any room. */
  after(guest: ScoredGuest, effect: Effect): Consequence {
    const { row, layout } = this;
    takeFrom(row, layout, { effect, after: layout.scratch });
    return {
      layout,
      before: row,
      after: layout.scratch,
      effect,
      guest,
      worth: this.outlook.worth,
      worthBefore: this.worth,
    };
  }
}

function roomOf(ledger: Ledger, layout: RoomLayout): Float64Array {
  const row = new Float64Array(layout.width);
  writeRoom(ledger, layout, { row, at: 0 });
  return row;
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
