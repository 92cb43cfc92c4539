/** A place in a text, for people: both count from 1, columns in characters. */
export interface Place {
  /** What the text is called. */
  readonly where: string;
  readonly line: number;
  readonly column: number;
}

/**
 * A text that was parsed, with the name people know it by. Finds line and column of an offset; CR,
 * LF and CRLF each end one line, as XML has it.
 */
export class SourceText {
  readonly text: string;
  readonly where: string;
  #lineStarts: readonly number[] | undefined;

  constructor(text: string, where: string) {
    this.text = text;
    this.where = where;
  }

  /** The place of the character at `offset`, an index into the string. */
  locate(offset: number): Place {
    this.#lineStarts ??= lineStartsOf(this.text);
    const line = lastAtOrBelow(this.#lineStarts, offset);
    // Counted in characters, not in string units: an emoji in a title is one column.
    const column = Array.from(this.text.slice(this.#lineStarts[line], offset)).length;
    return { where: this.where, line: line + 1, column: column + 1 };
  }
}

function lineStartsOf(text: string): readonly number[] {
  const ends = text.matchAll(/\r\n|\r|\n/g);
  return [0, ...Iterator.from(ends).map((end) => end.index + end[0].length)];
}

function lastAtOrBelow(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}
