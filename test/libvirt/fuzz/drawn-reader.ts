import { XdrReader } from '../../../src/libvirt/xdr/xdr-reader.ts';

/** Numbers that lengths, types and choices on the wire take, and those at the ends of their ranges. */
const SIGNED = [0, 1, 2, 3, 4, 5, 6, 7, 8, 1000, -1, 2 ** 31 - 1, -(2 ** 31)];
const UNSIGNED = [0, 1, 0, 1, 0, 1, 0, 1, 77, 2 ** 32 - 1];
const WIDE = [0n, 1n, 2n ** 31n, 2n ** 53n + 1n, 2n ** 63n - 1n];
const DOUBLES = [0, 1.5, -1e300, Number.MAX_SAFE_INTEGER];
const TEXTS = ['', 'a', 'vda', 'ümläut', '𝕫 and more', '/dev/null', 'x'.repeat(300)];

/**
 * A reader that makes up what it reads, out of drawn numbers. Codecs do all their reading through
 * one, so it turns every codec into a generator of its own values; no second description of them
 * is needed. Values that cannot be, a codec refuses as it does on the wire.
 */
export class DrawnReader extends XdrReader {
  readonly #draws: readonly number[];
  #at = 0;

  /** Without numbers left, it reads zeros. */
  constructor(draws: readonly number[]) {
    super(Buffer.alloc(0), 'drawn numbers');
    this.#draws = draws;
  }

  override i32(): number {
    return this.#pick(SIGNED);
  }

  override u32(): number {
    return this.#pick(UNSIGNED);
  }

  override i64(): bigint {
    return this.#pick(WIDE) * (this.#draw() % 2 === 0 ? 1n : -1n);
  }

  override u64(): bigint {
    return this.#pick([...WIDE, 2n ** 64n - 1n]);
  }

  override f64(): number {
    return this.#pick(DOUBLES);
  }

  override string(): string {
    return this.#pick(TEXTS);
  }

  override name(): string {
    return this.#pick(TEXTS);
  }

  override opaque(max: number): Buffer {
    return this.fixed(Math.min(this.#draw() % 9, max));
  }

  override fixed(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.#draw() & 0xff));
  }

  override count(max: number): number {
    return Math.min(this.#draw() % 4, max);
  }

  #draw(): number {
    return this.#draws[this.#at++] ?? 0;
  }

  #pick<T>(values: readonly [T, ...T[]] | readonly T[]): T {
    return values[this.#draw() % values.length] as T;
  }
}
