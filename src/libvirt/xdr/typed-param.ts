import { assertNever } from '../../base/assert.ts';
import { list, type Codec } from './codec.ts';
import type { XdrReader } from './xdr-reader.ts';
import type { XdrWriter } from './xdr-writer.ts';

/**
 * A named value that carries its own type, as statistics and tunables travel (virTypedParameter).
 * Setters want exactly the type libvirt documents: a bandwidth given as `uint` where `ullong` is
 * meant is refused with code 8.
 */
export type TypedParam =
  | { readonly field: string; readonly type: 'int' | 'uint' | 'double'; readonly value: number }
  | { readonly field: string; readonly type: 'llong' | 'ullong'; readonly value: bigint }
  | { readonly field: string; readonly type: 'boolean'; readonly value: boolean }
  | { readonly field: string; readonly type: 'string'; readonly value: string };

/** What a typed parameter holds; 64-bit numbers are bigints. */
export type TypedValue = TypedParam['value'];

/** Wire numbers of the types (VIR_TYPED_PARAM_*). */
const TYPE_NUMBER = {
  int: 1,
  uint: 2,
  llong: 3,
  ullong: 4,
  double: 5,
  boolean: 6,
  string: 7,
} as const;

/** A list of typed parameters of at most `max`. */
export function typedParams(max: number): Codec<readonly TypedParam[]> {
  return list({ write: writeParam, read: readParam }, max);
}

/**
 * The values of a list by name. Where a name repeats (libvirt does that in few lists only, such as
 * `migrate_disks`) the last one stays: read the list itself there.
 */
export function paramRecord(params: readonly TypedParam[]): Readonly<Record<string, TypedValue>> {
  // fromEntries defines properties, so even a field named __proto__ is nothing but a field.
  return Object.fromEntries(params.map((param) => [param.field, param.value]));
}

function writeParam(writer: XdrWriter, param: TypedParam): void {
  writer.field = 'params';
  writer.string(param.field);
  writer.field = `params["${param.field}"]`;
  writer.i32(TYPE_NUMBER[param.type]);
  switch (param.type) {
    case 'int':
      return writer.i32(param.value);
    case 'uint':
      return writer.u32(param.value);
    case 'double':
      return writer.f64(param.value);
    case 'llong':
      return writer.i64(param.value);
    case 'ullong':
      return writer.u64(param.value);
    case 'boolean':
      return writer.i32(param.value ? 1 : 0);
    case 'string':
      return writer.string(param.value);
    default:
      return assertNever(param);
  }
}

function readParam(reader: XdrReader): TypedParam {
  const field = reader.name();
  const type = reader.i32();
  switch (type) {
    case TYPE_NUMBER.int:
      return { field, type: 'int', value: reader.i32() };
    case TYPE_NUMBER.uint:
      return { field, type: 'uint', value: reader.u32() };
    case TYPE_NUMBER.llong:
      return { field, type: 'llong', value: reader.i64() };
    case TYPE_NUMBER.ullong:
      return { field, type: 'ullong', value: reader.u64() };
    case TYPE_NUMBER.double:
      return { field, type: 'double', value: reader.f64() };
    case TYPE_NUMBER.boolean:
      return { field, type: 'boolean', value: reader.i32() !== 0 };
    case TYPE_NUMBER.string:
      return { field, type: 'string', value: reader.string() };
    default:
      throw reader.fault(`parameter "${field}" has the unknown type ${type}`);
  }
}
