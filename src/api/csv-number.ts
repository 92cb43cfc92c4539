import { GIB, MIB } from '../base/units.ts';
import { VM_VCPUS_MAX } from '../model/vm-spec.ts';
import type { CsvRow } from './csv.ts';
import { backwards, csvError } from './csv.ts';

/** The most GiB, and MiB, whose bytes can be counted exactly. */
export const GIB_MAX = Math.floor(Number.MAX_SAFE_INTEGER / GIB);
export const MIB_MAX = Math.floor(Number.MAX_SAFE_INTEGER / MIB);

/** A field of a CSV file that is to be a number. */
export interface NumberField {
  readonly row: CsvRow;
  readonly where: string;
  readonly column: string;
}

/**
 * A whole number from `least` to `most`.
 * @throws BERTH_SPEC_INVALID with the line.
 */
export function wholeField(field: NumberField, least: number, most: number): number {
  const text = field.row.get(field.column) ?? '';
  const value = Number(text);
  if (/^\d{1,15}$/.test(text) && value >= least && value <= most) return value;
  throw wrong(field, `a whole number from ${least} to ${most}`);
}

/**
 * How many vCPUs a guest has, no more than a VM may.
 * @throws BERTH_SPEC_INVALID with the line.
 */
export function vcpusField(field: NumberField): number {
  return wholeField(field, 1, VM_VCPUS_MAX);
}

/**
 * A time in seconds, no earlier than that of the request before.
 * @throws BERTH_SPEC_INVALID with the line.
 */
export function timeField(field: NumberField, before: number): number {
  const at = amountField(field);
  if (at >= before) return at;
  const { problem, expected } = backwards(at, before);
  throw csvError({ where: field.where, line: field.row.line }, problem, expected);
}

/**
 * A number that is not negative.
 * @throws BERTH_SPEC_INVALID with the line.
 */
export function amountField(field: NumberField): number {
  const text = field.row.get(field.column) ?? '';
  if (/^\d{1,15}(?:\.\d{1,9})?$/.test(text)) return Number(text);
  throw wrong(field, 'a number that is not negative');
}

/**
 * GiB that are whole MiB and more than nothing, in bytes.
 * @throws BERTH_SPEC_INVALID with the line.
 */
export function gibField(field: NumberField): number {
  const bytes = amountField(field) * GIB;
  if (bytes > 0 && Number.isSafeInteger(bytes) && bytes % MIB === 0) return bytes;
  throw wrong(field, 'whole MiB, written in GiB, such as 1.75');
}

function wrong({ row, where, column }: NumberField, expected: string): Error {
  const text = row.get(column) ?? '';
  const problem = text === '' ? `${column} is missing` : `${column} is "${text.slice(0, 40)}"`;
  return csvError({ where, line: row.line }, problem, expected);
}
