import type { XdrReader } from './xdr-reader.ts';
import type { XdrWriter } from './xdr-writer.ts';

/** How one type of value stands on the wire, both ways. */
export interface Codec<T> {
  readonly write: (writer: XdrWriter, value: T) => void;
  readonly read: (reader: XdrReader) => T;
}

/** Any codec at all: the one type that every `Codec<T>` can be given as. */
interface SomeCodec {
  readonly write: (writer: XdrWriter, value: never) => void;
  readonly read: (reader: XdrReader) => unknown;
}

/** The type of the values of a codec. */
export type Of<C extends SomeCodec> = ReturnType<C['read']>;

/** The fields of a struct, in wire order. */
export type Shape = Readonly<Record<string, SomeCodec>>;

/** The values of a struct: fields that may be absent on the wire may be left out. */
export type StructOf<S extends Shape> = {
  readonly [K in keyof S as undefined extends Of<S[K]> ? never : K]: Of<S[K]>;
} & {
  readonly [K in keyof S as undefined extends Of<S[K]> ? K : never]?: Of<S[K]>;
};

export const i32: Codec<number> = {
  write: (writer, value) => writer.i32(value),
  read: (reader) => reader.i32(),
};

export const u32: Codec<number> = {
  write: (writer, value) => writer.u32(value),
  read: (reader) => reader.u32(),
};

export const i64: Codec<bigint> = {
  write: (writer, value) => writer.i64(value),
  read: (reader) => reader.i64(),
};

export const u64: Codec<bigint> = {
  write: (writer, value) => writer.u64(value),
  read: (reader) => reader.u64(),
};

/** A string of at most 4 MiB. */
export const string: Codec<string> = {
  write: (writer, value) => writer.string(value),
  read: (reader) => reader.string(),
};

/** A truth value that travels as a 32-bit 0 or 1; every other number reads as true. */
export const bool: Codec<boolean> = {
  write: (writer, value) => writer.i32(value ? 1 : 0),
  read: (reader) => reader.i32() !== 0,
};

/**
 * A word of flag bits; left out it is 0. Both faces of bit 31 are taken, because `|` in JavaScript
 * makes that bit the sign.
 */
export const flags: Codec<number | undefined> = {
  write: (writer, value = 0) => writer.u32(value === (value | 0) ? value >>> 0 : value),
  read: (reader) => reader.u32(),
};

/** A field that callers never see: it always travels as this number and is ignored when read. */
export function always(value: number): Codec<undefined> {
  return {
    write: (writer) => writer.i32(value),
    read: (reader) => {
      reader.i32();
      return undefined;
    },
  };
}

/** Bytes of varying length up to `max`. */
export function opaque(max: number): Codec<Uint8Array> {
  return {
    write: (writer, value) => writer.opaque(value, max),
    read: (reader) => reader.opaque(max),
  };
}

/** A `char[n]` of libvirt: each character takes four bytes, and NULs fill it up. */
export function charArray(length: number): Codec<string> {
  return {
    write: (writer, value) => {
      if (typeof value !== 'string') throw writer.mistyped(value, 'a string');
      const bytes = Buffer.alloc(length);
      bytes.write(value);
      for (const byte of bytes) writer.i32(byte);
    },
    read: (reader) => {
      const bytes = Buffer.from(Array.from({ length }, () => reader.i32() & 0xff));
      const end = bytes.indexOf(0);
      return bytes.toString('utf8', 0, end === -1 ? length : end);
    },
  };
}

/** A list of at most `max` items; the limit holds both ways. */
export function list<T>(item: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    write: (writer, values) => {
      if (!Array.isArray(values)) throw writer.mistyped(values, 'an array');
      writer.count(values.length, max);
      for (const value of values) item.write(writer, value);
    },
    read: (reader) => {
      const count = reader.count(max);
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(item.read(reader));
      return values;
    },
  };
}

/** A pointer of libvirt: a word that says whether the value follows. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  return {
    write: (writer, value) => {
      writer.u32(value === undefined ? 0 : 1);
      if (value !== undefined) codec.write(writer, value);
    },
    read: (reader) => {
      const there = reader.u32();
      if (there > 1) throw reader.fault(`${there} where only 0 or 1 can stand,`);
      return there === 1 ? codec.read(reader) : undefined;
    },
  };
}

/** Fields one after another, in the order in which they are written here. */
export function struct<S extends Shape>(shape: S): Codec<StructOf<S>> {
  const fields = Object.entries(shape);
  return {
    write: (writer, value) => {
      if (typeof value !== 'object' || value === null) {
        throw writer.mistyped(value, `an object with ${fields.map(([name]) => name).join(', ')}`);
      }
      // The compiler has checked the fields one by one; it cannot follow them through a loop.
      const values = value as Readonly<Record<string, never>>;
      for (const [name, codec] of fields) {
        writer.field = name;
        codec.write(writer, values[name] as never);
      }
    },
    read: (reader) => {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of fields) value[name] = codec.read(reader);
      return value as StructOf<S>;
    },
  };
}
