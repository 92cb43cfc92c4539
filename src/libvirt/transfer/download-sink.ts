import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { berthError } from '../../base/errors.ts';
import { Hole } from '../streams/hole.ts';
import { zeros } from './find-holes.ts';

/** Where the pieces of a download go. */
export interface DownloadSink {
  /** Rejects when nothing can be written any more, whoever waits for what. */
  readonly failed: Promise<unknown>;
  readonly write: (piece: Buffer | Hole) => Promise<void>;
  /** All pieces have been written. */
  readonly finish: () => Promise<void>;
  /** Called at the end in any case; what is not finished is taken back. */
  readonly letGo: () => Promise<void>;
}

/** Fills bytes from their front; more than they hold is refused with BERTH_TOO_LARGE. */
export function bytesSink(bytes: Uint8Array, what: string): DownloadSink {
  let at = 0;
  return {
    failed: Promise.resolve(),
    write: async (piece) => {
      const length = piece instanceof Hole ? piece.bytes : piece.length;
      if (length > bytes.length - at) {
        throw berthError('BERTH_TOO_LARGE', { what, size: at + length, max: bytes.length });
      }
      if (piece instanceof Hole) bytes.fill(0, at, at + length);
      else bytes.set(piece, at);
      at += length;
    },
    finish: async () => {},
    letGo: async () => {},
  };
}

/** Writes into a Node stream and ends it. One in object mode gets holes as they are, others zeros. */
export function streamSink(stream: Writable): DownloadSink {
  const ended = finished(stream);
  ended.catch(() => undefined); // it may fail before anybody heeds it
  // A stream that fails in the middle of a write need not call back.
  const write = async (piece: unknown): Promise<void> =>
    new Promise((resolve, reject) => {
      stream.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  return {
    failed: ended,
    write: async (piece) => {
      if (!(piece instanceof Hole) || stream.writableObjectMode) return write(piece);
      for (const part of zeros(piece.bytes)) await write(part);
    },
    finish: async () => {
      stream.end();
      await ended;
    },
    letGo: async () => void stream.destroy(),
  };
}
