import { NameTable } from './name-table.ts';
import { berthError } from '../../base/errors.ts';

/** Longest string the protocol carries, in bytes (REMOTE_STRING_MAX since libvirt 1.0.6). */
export const STRING_BYTES_MAX = 4 * 1024 * 1024;

/** Shared by all readers: it holds what is the same in every message. */
const NAMES = new NameTable();

/**
 * Reads XDR (RFC 4506) values from one message, from front to end. Whatever the bytes hold, it
 * either returns a value or throws BERTH_PROTOCOL; it never reads beyond the end and never
 * allocates more than the message itself could fill.
 */
export class XdrReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #where: string;
  #at = 0;

  /** `where` names the message in errors, such as "the reply to domainGetXmlDesc". */
  constructor(bytes: Buffer, where: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#where = where;
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4));
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4));
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.#advance(8));
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#advance(8));
  }

  f64(): number {
    return this.#view.getFloat64(this.#advance(8));
  }

  /**
   * UTF-8 text. Bytes that are not UTF-8 (a file name may hold any) become U+FFFD, because one odd
   * volume must not hide the whole list it stands in.
   */
  string(): string {
    const length = this.#length(STRING_BYTES_MAX, 1, 'string');
    const start = this.#advance(padded(length));
    return this.#bytes.toString('utf8', start, start + length);
  }

  /** Like `string`, for text that repeats: equal names share one string. */
  name(): string {
    const length = this.#length(STRING_BYTES_MAX, 1, 'string');
    const start = this.#advance(padded(length));
    return NAMES.read(this.#bytes, this.#view, start, length);
  }

  /** Bytes of varying length, copied so that they do not keep the whole read buffer alive. */
  opaque(max: number): Buffer {
    const length = this.#length(max, 1, 'opaque');
    return this.fixed(length);
  }

  /** Bytes of known length, copied. */
  fixed(length: number): Buffer {
    const start = this.#advance(padded(length));
    return Buffer.from(this.#bytes.subarray(start, start + length));
  }

  /** The length word of a list of at most `max` items, of which each takes at least 4 bytes. */
  count(max: number): number {
    return this.#length(max, 4, 'list');
  }

  /** Checks that the message holds nothing more: trailing bytes mean that the layouts differ. */
  end(): void {
    const left = this.#bytes.length - this.#at;
    if (left !== 0) throw this.fault(`${left} bytes are left over`);
  }

  /** An error about this message. */
  fault(problem: string): Error {
    return berthError('BERTH_PROTOCOL', {
      where: this.#where,
      problem: `${problem} at byte ${this.#at} of ${this.#bytes.length}`,
    });
  }

  #length(max: number, bytesPerItem: number, what: string): number {
    const length = this.u32();
    if (length > max) throw this.fault(`a ${what} of ${length}, where ${max} is the limit,`);
    if (length * bytesPerItem > this.#bytes.length - this.#at) {
      throw this.fault(`a ${what} of ${length} that is longer than its message`);
    }
    return length;
  }

  #advance(length: number): number {
    const start = this.#at;
    if (length > this.#bytes.length - start) throw this.fault('the message ends too early');
    this.#at = start + length;
    return start;
  }
}

function padded(length: number): number {
  return (length + 3) & ~3;
}
