/** Chance that a seed decides (mulberry32): the same seed gives the same run. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** From 0 up to but not including 1. */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };

  /** True in that share of all cases; without asking chance where it is never or always. */
  is(share: number): boolean {
    return share > 0 && this.next() < share;
  }

  /** A whole number from `least` to `most`. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** One of several; undefined of none. */
  of<T>(several: readonly T[]): T | undefined {
    return several[Math.floor(this.next() * several.length)];
  }

  /** A random UUID (version 4). */
  uuid(): string {
    const hex = Array.from({ length: 8 }, () => this.between(0, 0xffff).toString(16));
    const [a, b, c, d, e, f, g, h] = hex.map((part) => part.padStart(4, '0'));
    return `${a}${b}-${c}-4${d?.slice(1)}-8${e?.slice(1)}-${f}${g}${h}`;
  }

  /** Another chance that goes its own way from here, however much this one is asked. */
  fork(): Chance {
    return new Chance(this.between(0, 0xffff_ffff));
  }
}
