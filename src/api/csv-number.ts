import type { CsvRow } from './csv.ts';
import { csvError } from './csv.ts';

/** A field of a CSV file that is to be a number. */
export interface NumberField {
  readonly row: CsvRow;
  readonly where: string;
  readonly column: string;
}

/**
 * A whole number of at least `least`.
 * @throws BERTH_SPEC_INVALID with the line.
 */
export function wholeField(field: NumberField, least: number): number {
  const text = field.row.get(field.column) ?? '';
  if (/^\d{1,15}$/.test(text) && Number(text) >= least) return Number(text);
  throw wrong(field, `a whole number of at least ${least}`);
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
  const bytes = amountField(field) * 1024 ** 3;
  if (bytes > 0 && Number.isSafeInteger(bytes / 1024 ** 2)) return bytes;
  throw wrong(field, 'whole MiB, written in GiB, such as 1.75');
}

function wrong({ row, where, column }: NumberField, expected: string): Error {
  const text = row.get(column) ?? '';
  const problem = text === '' ? `${column} is missing` : `${column} is "${text.slice(0, 40)}"`;
  return csvError({ where, line: row.line }, problem, expected);
}
