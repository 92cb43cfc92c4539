/** Things of which the first can be taken out at any time: a binary heap. */
export class Heap<T extends object> {
  /** Each comes no later than the two at twice its place and one or two more. */
  readonly #entries: T[] = [];
  readonly #comesFirst: (one: T, other: T) => boolean;

  /** @param comesFirst whether one is to come out before the other: an order without ties. */
  constructor(comesFirst: (one: T, other: T) => boolean) {
    this.#comesFirst = comesFirst;
  }

  /** How many there are. */
  get size(): number {
    return this.#entries.length;
  }

  /** The one that comes out next, left where it is; undefined when there is none. */
  get first(): T | undefined {
    return this.#entries[0];
  }

  push(entry: T): void {
    const entries = this.#entries;
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = entries[up];
      if (parent === undefined || !this.#comesFirst(entry, parent)) break;
      entries[at] = parent;
      at = up;
    }
    entries[at] = entry;
  }

  /** Takes out the first; undefined when there is none. */
  pop(): T | undefined {
    const entries = this.#entries;
    const [first] = entries;
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return first;
    let at = 0;
    for (;;) {
      const child = this.#firstChild(at);
      const below = entries[child];
      if (below === undefined || !this.#comesFirst(below, last)) break;
      entries[at] = below;
      at = child;
    }
    entries[at] = last;
    return first;
  }

  /** Where the first of the two below stands; beyond the end when there is none. */
  #firstChild(at: number): number {
    const left = this.#entries[2 * at + 1];
    const right = this.#entries[2 * at + 2];
    const isRight = left !== undefined && right !== undefined && this.#comesFirst(right, left);
    return isRight ? 2 * at + 2 : 2 * at + 1;
  }
}
