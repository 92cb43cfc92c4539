import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  array,
  assert as check,
  bigInt,
  boolean,
  constant,
  double,
  integer,
  oneof,
  option,
  property,
  record as anyRecord,
  string as text,
  uint8Array,
  uuid as anyUuid,
  type Arbitrary,
} from 'fast-check';
import { isBerthError } from '../../src/base/errors.ts';
import {
  always,
  bool,
  charArray,
  flags,
  i32,
  i64,
  list,
  opaque,
  optional,
  string,
  struct,
  u32,
  u64,
  type Codec,
} from '../../src/libvirt/xdr/codec.ts';
import { paramRecord, typedParams, type TypedParam } from '../../src/libvirt/xdr/typed-param.ts';
import { uuid } from '../../src/libvirt/xdr/uuid.ts';
import { XdrReader } from '../../src/libvirt/xdr/xdr-reader.ts';
import { XdrWriter } from '../../src/libvirt/xdr/xdr-writer.ts';
import { coded } from '../refusal.ts';

const BYTES_MAX = 1 << 20;

function encode<T>(codec: Codec<T>, value: T): Buffer {
  const writer = new XdrWriter('test', { headroom: 0, bytesMax: BYTES_MAX });
  codec.write(writer, value);
  return writer.finish();
}

function decode<T>(codec: Codec<T>, bytes: Buffer): T {
  const reader = new XdrReader(bytes, 'test');
  const value = codec.read(reader);
  reader.end();
  return value;
}

/** Plain objects, as the codecs make them. */
function record<T>(model: { [K in keyof T]: Arbitrary<T[K]> }): Arbitrary<T> {
  return anyRecord(model, { noNullPrototype: true });
}

const cText = text({ unit: 'grapheme' }).map((s) => s.replaceAll('\0', ''));
const anyI32 = integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const anyU32 = integer({ min: 0, max: 2 ** 32 - 1 });
const anyI64 = bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const anyU64 = bigInt({ min: 0n, max: 2n ** 64n - 1n });

const anyParam: Arbitrary<TypedParam> = oneof(
  record({ field: cText, type: constant('int' as const), value: anyI32 }),
  record({ field: cText, type: constant('uint' as const), value: anyU32 }),
  record({ field: cText, type: constant('llong' as const), value: anyI64 }),
  record({ field: cText, type: constant('ullong' as const), value: anyU64 }),
  record({ field: cText, type: constant('double' as const), value: double({ noNaN: true }) }),
  record({ field: cText, type: constant('boolean' as const), value: boolean() }),
  record({ field: cText, type: constant('string' as const), value: cText }),
);

/** One of everything, so that whole messages can be made and broken. */
const everything = struct({
  small: i32,
  count: u32,
  big: i64,
  bigger: u64,
  yes: bool,
  name: string,
  maybe: optional(string),
  id: uuid,
  bytes: opaque(64),
  names: list(string, 8),
  params: typedParams(8),
  pair: struct({ a: i32, b: optional(i32) }),
});

const anything = record({
  small: anyI32,
  count: anyU32,
  big: anyI64,
  bigger: anyU64,
  yes: boolean(),
  name: cText,
  maybe: option(cText, { nil: undefined }),
  id: anyUuid(),
  bytes: uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  names: array(cText, { maxLength: 8 }),
  params: array(anyParam, { maxLength: 8 }),
  pair: record({ a: anyI32, b: option(anyI32, { nil: undefined }) }),
});

describe('XDR', () => {
  test('what is written is read back, whatever it holds', () => {
    check(
      property(anything, (value) => {
        const bytes = encode(everything, value);
        assert.equal(bytes.length % 4, 0);
        assert.deepEqual(decode(everything, bytes), value);
      }),
    );
  });

  test('a message with any byte changed is read or refused as BERTH_PROTOCOL, nothing else', () => {
    check(
      property(anything, integer({ min: 0 }), integer({ min: 0, max: 255 }), (value, at, byte) => {
        const bytes = encode(everything, value);
        bytes[at % bytes.length] = byte;
        refusesOnlyAsProtocol(bytes);
      }),
      { numRuns: 500 },
    );
  });

  test('a message cut short anywhere is refused as BERTH_PROTOCOL', () => {
    check(
      property(anything, integer({ min: 1 }), (value, cut) => {
        const bytes = encode(everything, value);
        const shorter = bytes.subarray(0, bytes.length - 1 - (cut % bytes.length));
        assert.throws(() => decode(everything, shorter), isProtocol);
      }),
    );
  });

  test('random bytes are read or refused as BERTH_PROTOCOL', () => {
    check(
      property(uint8Array({ maxLength: 512 }), (bytes) =>
        refusesOnlyAsProtocol(Buffer.from(bytes)),
      ),
      { numRuns: 500 },
    );
  });

  test('bytes behind the value are refused, since they mean another layout', () => {
    const bytes = Buffer.concat([encode(i32, 1), Buffer.alloc(4)]);
    assert.throws(() => decode(i32, bytes), /4 bytes are left over/);
  });

  test('values stand on the wire as RFC 4506 has them', () => {
    assert.equal(encode(i32, -2).toString('hex'), 'fffffffe');
    assert.equal(encode(u64, 1n).toString('hex'), '0000000000000001');
    assert.equal(encode(string, 'abcde').toString('hex'), '000000056162636465000000');
    assert.equal(encode(optional(u32), undefined).toString('hex'), '00000000');
    assert.equal(encode(optional(u32), 5).toString('hex'), '0000000100000005');
    assert.equal(encode(list(u32, 2), [1, 2]).toString('hex'), '000000020000000100000002');
    assert.equal(encode(opaque(3), Uint8Array.of(1)).toString('hex'), '0000000101000000');
    const id = '00112233-4455-6677-8899-aabbccddeeff';
    assert.equal(encode(uuid, id).toString('hex'), '00112233445566778899aabbccddeeff');
  });

  test('a char array takes four bytes per character', () => {
    const model = charArray(4);
    assert.equal(encode(model, 'ab').toString('hex'), '00000061000000620000000000000000');
    assert.equal(decode(model, encode(model, 'ab')), 'ab');
    assert.equal(decode(model, encode(model, 'abcd')), 'abcd');
  });

  test('text that is not UTF-8 is read with replacement characters', () => {
    const bytes = Buffer.from('00000003ff616200', 'hex');
    assert.equal(decode(string, bytes), '\ufffdab');
  });

  test('flags may be left out and may have their highest bit set', () => {
    assert.equal(encode(flags, undefined).toString('hex'), '00000000');
    assert.equal(encode(flags, 1 | (1 << 31)).toString('hex'), '80000001');
    assert.equal(encode(flags, 2 ** 31).toString('hex'), '80000000');
    assert.throws(() => encode(flags, 2 ** 32), coded('BERTH_SPEC_INVALID'));
  });

  test('a field that is always the same need not be given and is not read', () => {
    const codec = struct({ need: always(1), rest: u32 });
    const bytes = encode(codec, { rest: 9 });
    assert.equal(bytes.toString('hex'), '0000000100000009');
    assert.deepEqual(decode(codec, bytes), { need: undefined, rest: 9 });
  });

  test('numbers out of range are refused with the name of their field', () => {
    const codec = struct({ vcpu: u32 });
    for (const value of [-1, 1.5, 2 ** 32, Number.NaN, Infinity]) {
      assert.throws(() => encode(codec, { vcpu: value }), /vcpu of test: .* is out of range/);
    }
    assert.throws(() => encode(i32, 2 ** 31), coded('BERTH_SPEC_INVALID'));
    assert.throws(() => encode(u64, -1n), coded('BERTH_SPEC_INVALID'));
    assert.throws(() => encode(i64, 2n ** 63n), coded('BERTH_SPEC_INVALID'));
  });

  test('text that libvirt would cut or garble is refused', () => {
    assert.throws(() => encode(string, 'a\0b'), coded('BERTH_SPEC_INVALID'));
    assert.throws(() => encode(string, '\ud800'), coded('BERTH_SPEC_INVALID'));
    assert.throws(() => encode(uuid, 'no-uuid'), coded('BERTH_SPEC_INVALID'));
  });

  test('limits hold both ways', () => {
    assert.throws(() => encode(list(u32, 2), [1, 2, 3]), coded('BERTH_TOO_LARGE'));
    assert.throws(() => encode(opaque(2), Buffer.alloc(3)), coded('BERTH_TOO_LARGE'));
    assert.throws(() => encode(string, 'x'.repeat(4 * 2 ** 20 + 1)), coded('BERTH_TOO_LARGE'));
    assert.throws(
      () => encode(opaque(BYTES_MAX), Buffer.alloc(BYTES_MAX)),
      coded('BERTH_TOO_LARGE'),
    );
    assert.throws(() => decode(list(u32, 2), encode(list(u32, 3), [1, 2, 3])), isProtocol);
    assert.throws(() => decode(opaque(2), encode(opaque(3), Buffer.alloc(3))), isProtocol);
  });

  test('a list that claims more items than its message can hold is refused before it is built', () => {
    const claim = Buffer.from('00ffffff', 'hex');
    assert.throws(() => decode(list(u32, 2 ** 24), claim), /longer than its message/);
  });
});

describe('typed parameters', () => {
  test('64-bit values stay exact', () => {
    const params = [{ field: 'x', type: 'ullong', value: 2n ** 64n - 1n }] as const;
    assert.deepEqual(decode(typedParams(1), encode(typedParams(1), params)), params);
  });

  test('a name is read as the text it is, whichever names were read before', () => {
    const names = array(oneof(cText, text({ unit: 'binary-ascii', maxLength: 80 }).map(plain)));
    check(
      property(names, (fields) => {
        const twice = [...fields, ...fields];
        const bytes = encode(list(string, 256), twice);
        const reader = new XdrReader(bytes, 'test');
        assert.equal(reader.count(256), twice.length);
        for (const field of twice) assert.equal(reader.name(), field);
        reader.end();
      }),
    );
  });

  test('names that differ only in padding, in length or in one bit stay apart', () => {
    const names = ['', 'a', 'b', 'ab', 'abc', 'abcd', 'abcde', 'x'.repeat(64), 'x'.repeat(65)];
    const bytes = encode(list(string, 32), [...names, ...names]);
    const reader = new XdrReader(bytes, 'test');
    reader.count(32);
    const read = Array.from({ length: names.length * 2 }, () => reader.name());
    assert.deepEqual(read, [...names, ...names]);
    const odd = Buffer.from('0000000161010203', 'hex'); // padding that is not zero, as it must be
    assert.equal(new XdrReader(odd, 'test').name(), 'a');
  });

  test('more names than are kept, and those that share a place, are still read right', () => {
    const names = Array.from({ length: 5000 }, (_, i) => `block.${i}.rd.bytes`);
    for (const name of [...names, ...names.toReversed()]) {
      assert.equal(new XdrReader(encode(string, name), 'test').name(), name);
    }
  });

  test('an unknown type is refused, because its length is unknown', () => {
    const bytes = Buffer.from('000000010000000161000000000000080000000', 'hex');
    assert.throws(() => decode(typedParams(1), bytes), /the unknown type 8/);
  });

  test('as a record they are found by name, and a field called __proto__ is only a field', () => {
    const values = paramRecord([
      { field: 'cpu.time', type: 'ullong', value: 5n },
      { field: '__proto__', type: 'string', value: 'x' },
      { field: 'cpu.time', type: 'ullong', value: 6n },
    ]);
    assert.equal(values['cpu.time'], 6n);
    assert.deepEqual(Object.keys(values), ['cpu.time', '__proto__']);
    assert.equal(Object.getPrototypeOf(values), Object.prototype);
  });
});

/** Without NUL, which cannot be sent. */
function plain(value: string): string {
  return value.replaceAll('\0', 'x');
}

function refusesOnlyAsProtocol(bytes: Buffer): void {
  try {
    decode(everything, bytes);
  } catch (error) {
    assert.ok(isProtocol(error), String(error));
  }
}

function isProtocol(error: unknown): boolean {
  return isBerthError(error, 'BERTH_PROTOCOL');
}
