/**
 * A set of small numbers (CPUs, cells) in a few machine words: a set of 1,024 CPUs is 128 bytes.
 * Ids run from 0; the set grows as far as the highest id added. Operations that combine two sets
 * make a third one and leave both as they were.
 */
export class BitSet implements Iterable<number> {
  #words: Uint32Array;

  constructor(ids: Iterable<number> = []) {
    this.#words = new Uint32Array(1);
    for (const id of ids) this.add(id);
  }

  has(id: number): boolean {
    return ((this.#words[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0;
  }

  add(id: number): void {
    const word = id >>> 5;
    if (word >= this.#words.length) this.#grow(word + 1);
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (id & 31));
  }

  delete(id: number): void {
    const word = id >>> 5;
    if (word < this.#words.length) {
      this.#words[word] = (this.#words[word] ?? 0) & ~(1 << (id & 31));
    }
  }

  /** How many numbers are in the set; counted on each call. */
  get size(): number {
    let count = 0;
    for (const word of this.#words) count += ones(word);
    return count;
  }

  get isEmpty(): boolean {
    return this.#words.every((word) => word === 0);
  }

  /** Numbers that are in both. */
  and(other: BitSet): BitSet {
    return this.#combine(other, (mine, theirs) => mine & theirs);
  }

  /** Numbers that are in this set and not in the other. */
  minus(other: BitSet): BitSet {
    return this.#combine(other, (mine, theirs) => mine & ~theirs);
  }

  /** Numbers that are in either. */
  or(other: BitSet): BitSet {
    return this.#combine(other, (mine, theirs) => mine | theirs);
  }

  /** How many numbers both have, without making a set of them. */
  countIn(other: BitSet): number {
    const shared = Math.min(this.#words.length, other.#words.length);
    let count = 0;
    for (let i = 0; i < shared; i++) {
      count += ones((this.#words[i] ?? 0) & (other.#words[i] ?? 0));
    }
    return count;
  }

  /** True where every one of the numbers is in the set. */
  hasAll(ids: readonly number[]): boolean {
    for (const id of ids) if (!this.has(id)) return false;
    return true;
  }

  isSubsetOf(other: BitSet): boolean {
    return this.#words.every((word, i) => (word & ~(other.#words[i] ?? 0)) === 0);
  }

  equals(other: BitSet): boolean {
    return this.isSubsetOf(other) && other.isSubsetOf(this);
  }

  /** The numbers, ascending. */
  *[Symbol.iterator](): Generator<number> {
    for (let i = 0; i < this.#words.length; i++) {
      for (let word = this.#words[i] ?? 0; word !== 0; word &= word - 1) {
        yield i * 32 + 31 - Math.clz32(word & -word);
      }
    }
  }

  #combine(other: BitSet, op: (mine: number, theirs: number) => number): BitSet {
    const result = new BitSet();
    const length = Math.max(this.#words.length, other.#words.length);
    result.#words = new Uint32Array(length);
    for (let i = 0; i < length; i++) {
      result.#words[i] = op(this.#words[i] ?? 0, other.#words[i] ?? 0);
    }
    return result;
  }

  #grow(length: number): void {
    const words = new Uint32Array(length);
    words.set(this.#words);
    this.#words = words;
  }
}

/** Set bits of one 32-bit word, counted in parallel by halves. */
function ones(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return (((n + (n >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}
