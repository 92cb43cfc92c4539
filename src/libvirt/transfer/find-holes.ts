import { Hole } from '../streams/hole.ts';
import { PACKET_BYTES_MAX } from '../streams/remote-stream.ts';

/** Zeros are looked for in blocks of this size, so that the data between them fill their packets. */
const ZERO_BLOCK_BYTES = 16_384;

/** Whole blocks that fit into one packet: read this much at a time where holes are looked for. */
export const SPARSE_PIECE_BYTES = PACKET_BYTES_MAX - (PACKET_BYTES_MAX % ZERO_BLOCK_BYTES);

const ZEROS = Buffer.alloc(ZERO_BLOCK_BYTES);

/** Where a transfer stands in its volume, and from where on holes may be told. */
export interface HolePlan {
  readonly at: number;
  readonly holesFrom: number;
}

/** Makes holes of blocks of zeros from `holesFrom` on, and zeros of holes before it. */
export async function* findHoles(
  pieces: AsyncIterable<Uint8Array | Hole>,
  { at, holesFrom }: HolePlan,
): AsyncGenerator<Uint8Array | Hole, void> {
  let hole = 0;
  for await (const piece of pieces) {
    for (const part of partsOf(piece, at, holesFrom)) {
      const isHole = part instanceof Hole;
      at += isHole ? part.bytes : part.length;
      if (isHole) hole += part.bytes;
      else {
        if (hole > 0) yield new Hole(hole);
        hole = 0;
        yield part;
      }
    }
  }
  if (hole > 0) yield new Hole(hole);
}

function* partsOf(
  piece: Uint8Array | Hole,
  at: number,
  holesFrom: number,
): Iterable<Uint8Array | Hole> {
  const length = piece instanceof Hole ? piece.bytes : piece.length;
  const before = Math.min(length, Math.max(0, holesFrom - at));
  if (piece instanceof Hole) {
    yield* zeros(before);
    if (length > before) yield new Hole(length - before);
    return;
  }
  if (before > 0) yield piece.subarray(0, before);
  yield* dataAndHoles(piece.subarray(before), at + before);
}

/** Blocks lie where the volume has them, so that holes fall on the blocks of its file system. */
function* dataAndHoles(piece: Uint8Array, at: number): Iterable<Uint8Array | Hole> {
  let data = 0;
  for (let start = 0; start < piece.length;) {
    const end = start + ZERO_BLOCK_BYTES - ((at + start) % ZERO_BLOCK_BYTES);
    const block = piece.subarray(start, end);
    if (isZeros(block)) {
      if (start > data) yield piece.subarray(data, start);
      yield new Hole(block.length);
      data = start + block.length;
    }
    start += block.length;
  }
  if (data < piece.length) yield piece.subarray(data);
}

function isZeros(block: Uint8Array): boolean {
  // Almost all blocks with data in them are told by their first byte.
  return block[0] === 0 && ZEROS.compare(block, 0, block.length, 0, block.length) === 0;
}

/** That many zeros, in pieces that are packets. */
export function* zeros(bytes: number): Iterable<Uint8Array> {
  for (let left = bytes; left > 0; left -= SPARSE_PIECE_BYTES) {
    yield Buffer.alloc(Math.min(left, SPARSE_PIECE_BYTES));
  }
}
