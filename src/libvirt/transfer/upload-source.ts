import { open, type FileHandle } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { berthError } from '../../base/errors.ts';
import { Hole } from '../streams/hole.ts';
import { PACKET_BYTES_MAX } from '../streams/remote-stream.ts';
import type { BufferLoop } from './buffer-loop.ts';
import { SPARSE_PIECE_BYTES } from './find-holes.ts';
import { localFileError } from './local-file-error.ts';

/** What goes into a volume: a file by its path, bytes, or what a Node stream or other iterable gives. */
export type UploadSource = string | Uint8Array | AsyncIterable<Uint8Array | Hole>;

/** A source ready to be read once. */
export interface OpenedSource {
  /** Undefined where only the end will tell. */
  readonly bytes: number | undefined;
  /** To be called once. A piece may be used again when the one after it has been asked for. */
  readonly pieces: (buffers: BufferLoop) => AsyncIterable<Uint8Array | Hole>;
  /** Lets go of the source, read or not. */
  readonly close: () => Promise<void>;
}

/**
 * Opens a source.
 * @throws BERTH_NOT_FOUND, BERTH_PERMISSION, BERTH_SPEC_INVALID for a path that is no file and for a
 * Node stream that is over.
 */
export async function openSource(source: UploadSource, sparse: boolean): Promise<OpenedSource> {
  const pieceBytes = sparse ? SPARSE_PIECE_BYTES : PACKET_BYTES_MAX;
  if (typeof source === 'string') return openFile(source, pieceBytes);
  if (source instanceof Uint8Array) {
    return {
      bytes: source.length,
      pieces: () => slices(source, pieceBytes),
      close: async () => {},
    };
  }
  if (source instanceof Readable) mustBeUnread(source);
  return openIterable(source);
}

/** A stream that is over gives nothing and no error either, which would pass for an empty source. */
function mustBeUnread(source: Readable): void {
  const { destroyed, readableEnded } = source;
  if (!destroyed && !readableEnded && source.readable) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'the source of an upload',
    problem: readableEnded ? 'the stream has been read to its end' : 'the stream was destroyed',
    expected: 'a stream that nobody has read or destroyed',
  });
}

async function openFile(path: string, pieceBytes: number): Promise<OpenedSource> {
  try {
    const file = await open(path);
    const close = async (): Promise<void> => file.close();
    try {
      const bytes = await sizeOf(file, path);
      return { bytes, pieces: (buffers) => readAhead(file, path, pieceBytes, buffers), close };
    } catch (error) {
      await close();
      throw error;
    }
  } catch (error) {
    throw localFileError(error, path);
  }
}

/** A block device says its size nowhere that Node can look; its end tells. */
async function sizeOf(file: FileHandle, path: string): Promise<number | undefined> {
  const stat = await file.stat();
  if (stat.isFile()) return stat.size;
  if (!stat.isDirectory()) return undefined;
  throw berthError('BERTH_SPEC_INVALID', {
    where: path,
    problem: 'it is a folder',
    expected: 'a file to be uploaded',
  });
}

/** Reads the next piece while the one before is on its way. A short read is no end: only none is. */
async function* readAhead(
  file: FileHandle,
  path: string,
  pieceBytes: number,
  buffers: BufferLoop,
): AsyncGenerator<Uint8Array, void> {
  const read = async () => {
    try {
      return await file.read(buffers.take(pieceBytes));
    } catch (error) {
      throw localFileError(error, path);
    }
  };
  let next = read();
  for (let { buffer, bytesRead } = await next; bytesRead > 0; { buffer, bytesRead } = await next) {
    next = read();
    next.catch(() => undefined); // nobody may be left to hear of it
    yield buffer.subarray(0, bytesRead);
    buffers.giveBack(buffer);
  }
}

async function* slices(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** Letting go does not wait: an iterable that is stuck in its own waiting would never answer. */
function openIterable(source: AsyncIterable<Uint8Array | Hole>): OpenedSource {
  const iterator = source[Symbol.asyncIterator]();
  const close = async (): Promise<void> => void iterator.return?.().catch(() => undefined);
  return { bytes: undefined, pieces: () => ({ [Symbol.asyncIterator]: () => iterator }), close };
}

/**
 * Gives what a source gives, but at most `length` bytes of it.
 * @throws BERTH_SPEC_INVALID for what is neither bytes nor a hole, such as text.
 */
export async function* takePieces(
  pieces: AsyncIterable<Uint8Array | Hole>,
  length = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array | Hole, void> {
  let left = length;
  for await (const piece of pieces) {
    const taken = firstOf(piece, left);
    left -= taken instanceof Hole ? taken.bytes : taken.length;
    yield taken;
    if (left === 0) return;
  }
}

/** What a source gives is checked: a stream with an encoding gives text, in which bytes are lost. */
function firstOf(piece: unknown, bytes: number): Uint8Array | Hole {
  if (piece instanceof Hole) return piece.bytes <= bytes ? piece : new Hole(bytes);
  if (piece instanceof Uint8Array) return piece.length <= bytes ? piece : piece.subarray(0, bytes);
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'the source of an upload',
    problem: `it gave a ${typeof piece}`,
    expected: 'Buffer, Uint8Array or Hole',
  });
}
