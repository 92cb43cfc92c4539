import { present } from '../../base/assert.ts';

/** A guest that will leave. Time in seconds. */
export interface Leaver {
  readonly until: number;
  readonly row: number;
}

/** Guests by when they leave, the earliest first; of those that leave at once, the earlier row. */
export class Departures<T extends Leaver> {
  /** A binary heap: each entry comes before the two at twice its place and one or two more. */
  readonly #heap: T[] = [];

  add(leaver: T): void {
    const heap = this.#heap;
    let at = heap.push(leaver) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(leaver, this.#at(parent))) break;
      heap[at] = this.#at(parent);
      at = parent;
    }
    heap[at] = leaver;
  }

  /** Takes out the first that leaves at that time or before; undefined when nobody does. */
  next(time: number): T | undefined {
    const [first] = this.#heap;
    if (first === undefined || first.until > time) return undefined;
    const last = present(this.#heap.pop(), 'the last of the heap');
    if (this.#heap.length > 0) this.#sink(last);
    return first;
  }

  #sink(leaver: T): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(this.#at(child + 1), this.#at(child))) child++;
      if (!isBefore(this.#at(child), leaver)) break;
      heap[at] = this.#at(child);
      at = child;
    }
    heap[at] = leaver;
  }

  #at(index: number): T {
    return present(this.#heap[index], `entry ${index} of the heap`);
  }
}

function isBefore(one: Leaver, other: Leaver): boolean {
  return one.until < other.until || (one.until === other.until && one.row < other.row);
}
