import { textWidth } from './text-width.ts';

/** A column of a table: its heading and how it stands. */
export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** Text filled with spaces to a width in terminal cells; longer text is left as it is. */
export function padText(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const fill = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'left' ? text + fill : fill + text;
}

/**
 * Lines of a table: a heading and one line per row, two spaces between columns, none at line ends.
 * Cells must be printable already; they may carry colours.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  paintTitle: (text: string) => string,
): readonly string[] {
  const widths = columns.map((column, index) =>
    Math.max(textWidth(column.title), ...rows.map((row) => textWidth(row[index] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => padText(cell, widths[index] ?? 0, columns[index]?.align))
      .join('  ')
      .trimEnd();
  return [paintTitle(line(columns.map((column) => column.title))), ...rows.map(line)];
}
