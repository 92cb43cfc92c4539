import { berthError } from '../../base/errors.ts';
import { XdrReader } from '../xdr/xdr-reader.ts';

/**
 * A run of zeros that is told instead of sent. It takes no room in a sparse file. Streams that were
 * opened sparse carry holes among their data, and only those do.
 */
export class Hole {
  /** A whole number from 1 to 2^53 - 1. */
  readonly bytes: number;

  /** @throws BERTH_SPEC_INVALID for a length that no hole has. */
  constructor(bytes: number) {
    if (!Number.isSafeInteger(bytes) || bytes < 1) {
      throw berthError('BERTH_SPEC_INVALID', {
        where: 'the length of a hole',
        problem: `${bytes} bytes cannot be left out`,
        expected: 'a whole number of bytes from 1 to 2^53 - 1',
      });
    }
    this.bytes = bytes;
  }
}

/** The payload of a hole's message; the flags behind the length have never had a bit. */
export function encodeHole({ bytes }: Hole): Buffer {
  const payload = Buffer.alloc(12);
  payload.writeBigInt64BE(BigInt(bytes));
  return payload;
}

/**
 * Reads a hole's message. One of no bytes is none.
 * @throws BERTH_PROTOCOL for a length that cannot be counted.
 */
export function decodeHole(payload: Buffer, procedure: string): Hole | undefined {
  const reader = new XdrReader(payload, `a hole in the stream of ${procedure}`);
  const bytes = reader.i64();
  reader.u32();
  reader.end();
  if (bytes < 0n || bytes > Number.MAX_SAFE_INTEGER) throw reader.fault(`a hole of ${bytes} bytes`);
  return bytes === 0n ? undefined : new Hole(Number(bytes));
}
