import { berthError } from '../base/errors.ts';

/** One line of a CSV file. */
export interface CsvRow {
  /** From 1; the header is the first. */
  readonly line: number;
  /** By column; a column that the file does not have has none. */
  readonly get: (column: string) => string | undefined;
}

/** A CSV file: its columns, and the lines after its header. */
export interface CsvFile {
  readonly where: string;
  readonly columns: readonly string[];
  readonly rows: Iterable<CsvRow>;
}

/**
 * Reads comma-separated values with a header line. Fields may stand in double quotes, within a line.
 * @param where the file's name, for messages.
 * @throws BERTH_SPEC_INVALID with the line that has too few or too many fields, as rows are read.
 */
export function readCsv(text: string, where: string): CsvFile {
  const [header = ''] = text.split('\n', 1);
  const columns = fieldsOf(header.replace(/^\uFEFF/, '').trimEnd()).map((name) => name.trim());
  const [twice] = columns.filter((name, index) => columns.indexOf(name) < index);
  if (twice !== undefined) {
    throw csvError({ where, line: 1 }, `the column ${twice} is there twice`, 'each column once');
  }
  return { where, columns, rows: { [Symbol.iterator]: () => rowsOf(text, where, columns) } };
}

/** What is wrong in a line of a CSV file. */
export function csvError(
  at: { readonly where: string; readonly line: number },
  problem: string,
  expected: string,
): Error {
  return berthError('BERTH_SPEC_INVALID', { where: at.where, line: at.line, problem, expected });
}

function* rowsOf(text: string, where: string, columns: readonly string[]): Generator<CsvRow, void> {
  const places = new Map(columns.map((name, index) => [name, index]));
  let line = 1;
  let start = text.indexOf('\n') + 1;
  while (start > 0 && start < text.length) {
    line++;
    const end = text.indexOf('\n', start);
    const raw = text.slice(start, end === -1 ? undefined : end).trimEnd();
    start = end + 1;
    if (raw === '') continue;
    const fields = fieldsOf(raw);
    if (fields.length !== columns.length) {
      throw csvError(
        { where, line },
        `${fields.length} fields under ${columns.length} columns`,
        'as many fields as the header has columns',
      );
    }
    yield { line, get: (column) => fields[places.get(column) ?? -1]?.trim() };
  }
}

function fieldsOf(line: string): readonly string[] {
  if (!line.includes('"')) return line.split(',');
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    (match) => match[1]?.replaceAll('""', '"') ?? match[2] ?? '',
  );
}
