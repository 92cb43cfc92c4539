import assert from 'node:assert/strict';
import { array, assert as check, integer, oneof, property, uint8Array } from 'fast-check';
import { isBerthError } from '../../../src/base/errors.ts';
import * as libvirt from '../../../src/libvirt/index.ts';
import { wireError } from '../../../src/libvirt/libvirt-error.ts';
import { XdrReader } from '../../../src/libvirt/xdr/xdr-reader.ts';
import { XdrWriter } from '../../../src/libvirt/xdr/xdr-writer.ts';
import { DrawnReader } from './drawn-reader.ts';

/** A codec whose values nobody here can name. */
interface AnyCodec {
  readonly write: (writer: XdrWriter, value: unknown) => void;
  readonly read: (reader: XdrReader) => unknown;
}

interface Named {
  readonly name: string;
  readonly codec: AnyCodec;
}

/** The arguments and results of every exported procedure, the bodies of every event, and the error. */
export const EVERY_CODEC: readonly Named[] = [
  ...Object.values(libvirt).flatMap((value): readonly Named[] => {
    if (isProcedure(value)) {
      return [
        { name: `the arguments of ${value.name}`, codec: value.args },
        { name: `the result of ${value.name}`, codec: value.result },
      ];
    }
    return Object.values(value as object)
      .filter(isEventKind)
      .map(({ name, body }) => ({ name: `the event ${name}`, codec: body }));
  }),
  { name: 'the error', codec: wireError as AnyCodec },
];

/** Bytes as a daemon would never send them: words that are lengths and counts as often as not. */
const wild = oneof(
  uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  array(oneof(integer({ min: 0, max: 5 }), integer({ min: -3, max: -1 }), integer()), {
    maxLength: 60,
  }).map((numbers) => Buffer.concat(numbers.map(word))),
);

const draws = array(integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 400 });

/** Numbers that make an endless list or text of a length word. */
const HUGE = [2 ** 32 - 1, 2 ** 31, 2 ** 24, 65_536, 16_384];

/** Whatever the bytes are, a codec gives a value or refuses them. */
export function checkWildBytes({ name, codec }: Named, numRuns: number): void {
  const run = property(wild, (bytes) => readOrRefuse(codec, bytes, name));
  check(run, { numRuns });
}

/**
 * What a codec writes of a value it reads again, and of nothing shorter or longer; the latter is
 * tried with the first `damaged` values.
 * @returns how many values there were.
 */
export function checkValues({ name, codec }: Named, numRuns: number, damaged: number): number {
  let values = 0;
  const run = property(draws, (numbers) => {
    const value = drawn(codec, numbers);
    if (value === undefined) return;
    values++;
    const bytes = written(codec, value);
    const again = read(codec, bytes, name);
    const bytesAgain = written(codec, again);
    // A text that fills its place may lose its end once; after that nothing changes any more.
    if (name !== 'the result of nodeGetInfo') assert.ok(bytesAgain.equals(bytes), name);
    assert.deepEqual(read(codec, bytesAgain, name), again);
    if (values <= damaged) checkDamage({ name, codec }, bytesAgain);
  });
  check(run, { numRuns });
  return values;
}

function checkDamage({ name, codec }: Named, bytes: Buffer): void {
  for (let end = 0; end < bytes.length; end++) {
    assert.throws(() => read(codec, bytes.subarray(0, end), name), isProtocol, `${name} cut`);
  }
  assert.throws(() => read(codec, Buffer.concat([bytes, word(0)]), name), isProtocol);
  for (let at = 0; at < bytes.length; at += 4) {
    for (const huge of HUGE) {
      const damaged = Buffer.concat([bytes.subarray(0, at), word(huge), bytes.subarray(at + 4)]);
      readOrRefuse(codec, damaged, name);
    }
  }
}

function drawn(codec: AnyCodec, numbers: readonly number[]): object | undefined {
  try {
    return { value: codec.read(new DrawnReader(numbers)) };
  } catch (error) {
    if (isProtocol(error)) return undefined;
    throw error;
  }
}

function written(codec: AnyCodec, value: unknown): Buffer {
  const writer = new XdrWriter('a drawn value', { headroom: 0, bytesMax: 2 ** 20 });
  codec.write(writer, (value as { value: unknown }).value);
  return Buffer.from(writer.finish());
}

function read(codec: AnyCodec, bytes: Buffer, name: string): { readonly value: unknown } {
  const reader = new XdrReader(bytes, name);
  const value = codec.read(reader);
  reader.end();
  return { value };
}

function readOrRefuse(codec: AnyCodec, bytes: Buffer, name: string): void {
  try {
    read(codec, bytes, name);
  } catch (error) {
    if (!isProtocol(error)) throw error;
  }
}

function isProtocol(error: unknown): boolean {
  return isBerthError(error, 'BERTH_PROTOCOL');
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

interface AnyProcedure {
  readonly name: string;
  readonly args: AnyCodec;
  readonly result: AnyCodec;
}

function isProcedure(value: unknown): value is AnyProcedure {
  return typeof value === 'object' && value !== null && 'args' in value && 'result' in value;
}

function isEventKind(value: unknown): value is { readonly name: string; readonly body: AnyCodec } {
  return typeof value === 'object' && value !== null && 'body' in value && 'message' in value;
}
