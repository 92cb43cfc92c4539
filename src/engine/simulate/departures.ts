import { Heap } from '../../base/heap.ts';

/** A guest that will leave. Time in seconds. */
export interface Leaver {
  readonly until: number;
  readonly row: number;
}

/** Guests by when they leave, the earliest first; of those that leave at once, the earlier row. */
export class Departures<T extends Leaver> {
  readonly #heap = new Heap<T>(isBefore);

  add(leaver: T): void {
    this.#heap.push(leaver);
  }

  /** Takes out the first that leaves at that time or before; undefined when nobody does. */
  next(time: number): T | undefined {
    const { first } = this.#heap;
    return first === undefined || first.until > time ? undefined : this.#heap.pop();
  }
}

function isBefore(one: Leaver, other: Leaver): boolean {
  return one.until < other.until || (one.until === other.until && one.row < other.row);
}
