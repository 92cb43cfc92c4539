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
  const names = fieldsOf(header.replace(/^\uFEFF/, '').trimEnd(), { where, line: 1 });
  const columns = names.map((name) => name.trim());
  const [twice] = columns.filter((name, index) => columns.indexOf(name) < index);
  if (twice !== undefined) {
    throw csvError({ where, line: 1 }, `the column ${twice} is there twice`, 'each column once');
  }
  return { where, columns, rows: { [Symbol.iterator]: () => rowsOf(text, where, columns) } };
}

/** A line of a CSV file, for messages. */
interface Line {
  readonly where: string;
  readonly line: number;
}

/** What is wrong in a line of a CSV file. */
export function csvError({ where, line }: Line, problem: string, expected: string): Error {
  return berthError('BERTH_SPEC_INVALID', { where, line, problem, expected });
}

/** What is wrong with a request that comes before the one above it. Times in seconds. */
export function backwards(
  at: number,
  before: number,
): { readonly problem: string; readonly expected: string } {
  return {
    problem: `time runs backwards: ${at} s comes after ${before} s`,
    expected: `at least ${before}`,
  };
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
    const fields = fieldsOf(raw, { where, line });
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

/** A field up to the next comma or the end: in quotes, which spaces may surround, or as it stands. */
const FIELD = / *"(?<quoted>[^"]*(?:""[^"]*)*)" *(?=,|$)|(?<plain>[^",]*)(?=,|$)/y;

function fieldsOf(text: string, line: Line): readonly string[] {
  if (!text.includes('"')) return text.split(',');
  const fields: string[] = [];
  for (let at = 0; at <= text.length; at = FIELD.lastIndex + 1) {
    FIELD.lastIndex = at;
    const found = FIELD.exec(text)?.groups;
    if (found === undefined) {
      const problem = `the quotes of field ${fields.length + 1} do not enclose it`;
      throw csvError(
        line,
        problem,
        'a whole field in quotes, on one line, with quotes in it doubled',
      );
    }
    fields.push(found['quoted']?.replaceAll('""', '"') ?? found['plain'] ?? '');
  }
  return fields;
}
