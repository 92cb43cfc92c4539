import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { array, asyncProperty, assert as check, integer, oneof, record } from 'fast-check';
import { Hole } from '../../../src/libvirt/streams/hole.ts';
import { PACKET_BYTES_MAX } from '../../../src/libvirt/streams/remote-stream.ts';
import { findHoles, SPARSE_PIECE_BYTES, zeros } from '../../../src/libvirt/transfer/find-holes.ts';

type Piece = Uint8Array | Hole;

async function* each(pieces: readonly Piece[]): AsyncGenerator<Piece> {
  yield* pieces;
}

async function found(pieces: readonly Piece[], at = 0, holesFrom = 0): Promise<readonly Piece[]> {
  const all = Readable.from(findHoles(each(pieces), { at, holesFrom }));
  return all.toArray() as Promise<readonly Piece[]>;
}

function shape(pieces: readonly Piece[]): readonly string[] {
  return pieces.map((p) => (p instanceof Hole ? `hole ${p.bytes}` : `data ${p.length}`));
}

function bytesOf(pieces: readonly Piece[]): Buffer {
  return Buffer.concat(pieces.map((p) => (p instanceof Hole ? Buffer.alloc(p.bytes) : p)));
}

const KIB = 1024;
const data = (bytes: number): Buffer => Buffer.alloc(bytes, 1);

describe('holes in what is uploaded', () => {
  test('are found in blocks of 16 KiB, and neighbours become one', async () => {
    const pieces = [data(16 * KIB), Buffer.alloc(40 * KIB), Buffer.alloc(8 * KIB), data(3)];
    assert.deepEqual(shape(await found(pieces)), ['data 16384', 'hole 49152', 'data 3']);
  });

  test('lie where the volume has its blocks, not where the pieces begin', async () => {
    const pieces = [Buffer.concat([data(5), Buffer.alloc(40 * KIB), data(1)])];
    const at = 16 * KIB - 5;
    assert.deepEqual(shape(await found(pieces, at)), ['data 5', 'hole 32768', 'data 8193']);
  });

  test('are zeros before the place from which on they may be told', async () => {
    const pieces = [new Hole(40 * KIB), Buffer.alloc(32 * KIB)];
    const result = await found(pieces, 0, 24 * KIB);
    assert.deepEqual(shape(result), ['data 24576', 'hole 49152']);
    assert.ok(bytesOf(result).equals(Buffer.alloc(72 * KIB)));
  });

  test('that may be told nowhere become zeros in pieces that are packets', async () => {
    const result = await found([new Hole(600_000)], 0, Number.POSITIVE_INFINITY);
    assert.ok(result.every((p) => p instanceof Uint8Array && p.length <= PACKET_BYTES_MAX));
    assert.ok(bytesOf(result).equals(Buffer.alloc(600_000)));
    assert.equal([...zeros(0)].length, 0);
    assert.equal(SPARSE_PIECE_BYTES % (16 * KIB), 0);
  });

  test('change no byte and no length, whatever the pieces are', async () => {
    const pieces = array(
      oneof(
        record({ bytes: integer({ min: 1, max: 70_000 }), fill: integer({ min: 0, max: 1 }) }),
        record({ bytes: integer({ min: 1, max: 70_000 }) }),
      ).map((p) => ('fill' in p ? Buffer.alloc(p.bytes, p.fill) : new Hole(p.bytes))),
      { maxLength: 12 },
    );
    const place = integer({ min: 0, max: 100_000 });
    await check(
      asyncProperty(pieces, place, place, async (given, at, holesFrom) => {
        const result = await found(given, at, holesFrom);
        assert.ok(bytesOf(result).equals(bytesOf(given)));
        let position = at;
        for (const [index, piece] of result.entries()) {
          const isHole = piece instanceof Hole;
          if (isHole) assert.ok(position >= holesFrom);
          if (isHole) assert.ok(!(result[index + 1] instanceof Hole), 'neighbours are one');
          position += isHole ? piece.bytes : piece.length;
        }
      }),
    );
  });
});
