/** Figures of a benchmark that has several peers or none, as people read them. */
export interface BenchTable {
  /** Which part of the benchmark it is of: what one names to run that part alone. */
  readonly section: string;
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly BenchCell[])[];
  /** What one must know of the figures, a sentence or two each. */
  readonly notes: readonly string[];
}

/** Null: there is no such figure. */
export type BenchCell = string | number | null;

/** What a benchmark of tables is asked for. */
export interface TableOptions {
  /** Parts to run; none: every one. */
  readonly sections: readonly string[];
  /** Small versions of everything, to see that it runs. Such figures say nothing. */
  readonly isQuick: boolean;
  /** Takes a line of progress. */
  readonly tell: (line: string) => void;
}

/** A figure with as many decimals as mean something. */
export function cellText(cell: BenchCell): string {
  if (cell === null) return '';
  if (typeof cell === 'string') return cell;
  const size = Math.abs(cell);
  const digits = Number.isInteger(cell) || size >= 1000 ? 0 : size >= 100 ? 1 : 2;
  return cell.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

/** The table in Markdown, columns with a figure to the right; without rows only what is said of it. */
export function markdownOf({ title, columns, rows, notes }: BenchTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const isFigure = columns.map((_, column) => rows.some((row) => typeof row[column] === 'number'));
  const head = [line(columns), line(isFigure.map((figure) => (figure ? '--:' : '---')))];
  return [
    `**${title}**`,
    '',
    ...(rows.length === 0 ? [] : [...head, ...rows.map((row) => line(row.map(cellText))), '']),
    ...notes.map((note) => `- ${note}`),
    ...(notes.length === 0 ? [] : ['']),
  ].join('\n');
}
