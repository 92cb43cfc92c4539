import type { PricedKind } from './demand.ts';
import type { RoomLayout } from './room-layout.ts';
import { valueOf } from './room-value.ts';

/** What the room of hosts is worth to the guests that usually come. */
export class RoomWorth {
  readonly #kinds: readonly PricedKind[];

  constructor(kinds: readonly PricedKind[] = []) {
    this.#kinds = kinds;
  }

  /** What the room of one host is worth. */
  of(row: Float64Array, layout: RoomLayout): number {
    return valueOf(row, layout, this.#kinds);
  }

  /** A loss of worth as a share of what it could be at most; 0 to 1 but for rounding. */
  share(loss: number): number {
    return loss;
  }
}

/** Worth where nothing is known of the guests to come: no room is worth anything. */
export const NO_WORTH = new RoomWorth();
