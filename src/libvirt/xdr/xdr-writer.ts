import { berthError } from '../../base/errors.ts';
import { STRING_BYTES_MAX } from './xdr-reader.ts';

const INITIAL_BYTES = 256;

/**
 * Writes XDR (RFC 4506) values into one growing buffer. Values that cannot be expressed are
 * refused before anything is sent, with the field they belong to.
 */
export class XdrWriter {
  /** The field that is being written; set by the struct codec, used in errors. */
  field = '';
  readonly #where: string;
  readonly #bytesMax: number;
  #bytes: Buffer;
  #length: number;

  /** Leaves `headroom` bytes free at the front for a header; `where` names the call in errors. */
  constructor(where: string, { headroom, bytesMax }: { headroom: number; bytesMax: number }) {
    this.#where = where;
    this.#bytesMax = bytesMax;
    this.#bytes = Buffer.allocUnsafe(headroom + INITIAL_BYTES);
    this.#length = headroom;
  }

  /** Everything written so far, header room included. The writer must not be used afterwards. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  i32(value: number): void {
    if (value !== (value | 0)) throw this.#outOfRange(value, -(2 ** 31), 2 ** 31 - 1);
    const at = this.#grow(4);
    this.#bytes.writeInt32BE(value, at);
  }

  u32(value: number): void {
    if (value !== value >>> 0) throw this.#outOfRange(value, 0, 2 ** 32 - 1);
    const at = this.#grow(4);
    this.#bytes.writeUInt32BE(value, at);
  }

  i64(value: bigint): void {
    if (typeof value !== 'bigint') throw this.mistyped(value, 'a bigint, such as 5n');
    if (BigInt.asIntN(64, value) !== value) {
      throw this.#outOfRange(value, -(2n ** 63n), 2n ** 63n - 1n);
    }
    const at = this.#grow(8);
    this.#bytes.writeBigInt64BE(value, at);
  }

  u64(value: bigint): void {
    if (typeof value !== 'bigint') throw this.mistyped(value, 'a bigint, such as 5n');
    if (BigInt.asUintN(64, value) !== value) throw this.#outOfRange(value, 0n, 2n ** 64n - 1n);
    const at = this.#grow(8);
    this.#bytes.writeBigUInt64BE(value, at);
  }

  f64(value: number): void {
    if (typeof value !== 'number') throw this.mistyped(value, 'a number');
    const at = this.#grow(8);
    this.#bytes.writeDoubleBE(value, at);
  }

  /** UTF-8 text. A NUL is refused: libvirt keeps C strings, so what follows it would be lost. */
  string(value: string): void {
    if (typeof value !== 'string') throw this.mistyped(value, 'a string');
    if (value.includes('\0') || !value.isWellFormed()) {
      throw this.fault('the text holds a NUL or half a surrogate pair', 'plain Unicode text');
    }
    const length = Buffer.byteLength(value);
    this.#checkLength(length, STRING_BYTES_MAX);
    this.u32(length);
    const start = this.#grow(padded(length));
    this.#bytes.write(value, start);
    this.#bytes.fill(0, start + length, start + padded(length));
  }

  opaque(value: Uint8Array, max: number): void {
    if (!(value instanceof Uint8Array)) throw this.mistyped(value, 'a Buffer or Uint8Array');
    this.#checkLength(value.length, max);
    this.u32(value.length);
    this.fixed(value);
  }

  fixed(value: Uint8Array): void {
    const start = this.#grow(padded(value.length));
    this.#bytes.set(value, start);
    this.#bytes.fill(0, start + value.length, start + padded(value.length));
  }

  /** The length word of a list that may hold at most `max` items. */
  count(length: number, max: number): void {
    this.#checkLength(length, max);
    this.u32(length);
  }

  /** An error about the field that is being written. */
  fault(problem: string, expected: string): Error {
    return berthError('BERTH_SPEC_INVALID', {
      where: this.#place(),
      problem,
      expected,
    });
  }

  /** The error for a value of another type than the declared one, as plain JavaScript can give it. */
  mistyped(value: unknown, expected: string): Error {
    const type = value === null ? 'null' : `a value of type ${typeof value}`;
    return this.fault(value === undefined ? 'it is missing' : `it is ${type}`, expected);
  }

  #outOfRange(value: number | bigint, min: number | bigint, max: number | bigint): Error {
    if (typeof value !== typeof min) return this.mistyped(value, `a ${typeof min}`);
    return this.fault(`${value} is out of range`, `a whole number from ${min} to ${max}`);
  }

  #checkLength(size: number, max: number): void {
    if (size > max) throw berthError('BERTH_TOO_LARGE', { what: this.#place(), size, max });
  }

  #place(): string {
    return this.field === '' ? this.#where : `${this.field} of ${this.#where}`;
  }

  /** Makes room and says where it begins. Take `#bytes` only after it: growing replaces the buffer. */
  #grow(by: number): number {
    const start = this.#length;
    const size = start + by;
    if (size > this.#bytesMax) {
      throw berthError('BERTH_TOO_LARGE', { what: this.#where, size, max: this.#bytesMax });
    }
    if (size > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(size, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, start);
      this.#bytes = larger;
    }
    this.#length = size;
    return start;
  }
}

function padded(length: number): number {
  return length + ((4 - (length % 4)) % 4);
}
