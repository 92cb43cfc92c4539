import { padText } from './table.ts';
import { textWidth } from './text-width.ts';

/** A rectangle of text: every line fills the width; lines may carry colours. */
export interface Block {
  readonly width: number;
  readonly lines: readonly string[];
  /** Something that belongs in one row had to be broken into several, or cut. */
  readonly broken?: boolean;
}

/** The lines that boxes are drawn with. */
export interface Strokes {
  readonly topLeft: string;
  readonly topRight: string;
  readonly bottomLeft: string;
  readonly bottomRight: string;
  readonly across: string;
  readonly down: string;
}

export const ROUND: Strokes = strokes('╭╮╰╯─│');
export const SQUARE: Strokes = strokes('┌┐└┘─│');
export const HEAVY: Strokes = strokes('┏┓┗┛━┃');
export const DOUBLE: Strokes = strokes('╔╗╚╝═║');
export const ASCII: Strokes = strokes('++++-|');

/** A block of lines, each padded to the widest. */
export function blockOf(lines: readonly string[]): Block {
  const width = Math.max(0, ...lines.map((line) => textWidth(line)));
  return { width, lines: lines.map((line) => padText(line, width)) };
}

/** Blocks one below the other. */
export function stack(blocks: readonly Block[]): Block {
  const width = Math.max(0, ...blocks.map((block) => block.width));
  return { width, lines: blocks.flatMap((block) => widened(block, width)), broken: any(blocks) };
}

/** Blocks side by side, the shorter ones filled up below. */
export function beside(blocks: readonly Block[], gap: number): Block {
  const height = Math.max(0, ...blocks.map((block) => block.lines.length));
  const space = ' '.repeat(gap);
  const lines = Array.from({ length: height }, (_, row) =>
    blocks.map((block) => block.lines[row] ?? ' '.repeat(block.width)).join(space),
  );
  const gaps = Math.max(0, blocks.length - 1) * gap;
  const width = blocks.reduce((sum, block) => sum + block.width, gaps);
  return { width, lines, broken: any(blocks) };
}

function any(blocks: readonly Block[]): boolean {
  return blocks.some((block) => block.broken === true);
}

/** The lines of a block filled up to a larger width; widths are known, so nothing is measured. */
function widened(block: Block, width: number): readonly string[] {
  const fill = ' '.repeat(Math.max(0, width - block.width));
  return fill === '' ? block.lines : block.lines.map((line) => line + fill);
}

/** Blocks from left to right, beginning a new row where the next would not fit the width. */
export function flow(blocks: readonly Block[], width: number, gap: number): Block {
  const rows: Block[][] = [];
  let used = 0;
  for (const block of blocks) {
    const row = rows.at(-1);
    if (row === undefined || used + gap + block.width > width) {
      rows.push([block]);
      used = block.width;
    } else {
      row.push(block);
      used += gap + block.width;
    }
  }
  return stack(rows.map((row) => beside(row, gap)));
}

/** How a frame is drawn. */
export interface FrameStyle {
  readonly strokes: Strokes;
  readonly title: string;
  /** Empty columns between the sides and the content. */
  readonly padding: number;
  /** The frame is made at least this wide and high. */
  readonly width?: number;
  readonly height?: number;
  /** How far it may grow for the sake of its title. */
  readonly maxWidth: number;
  readonly paintFrame: (text: string) => string;
  readonly paintTitle: (text: string) => string;
}

/** Columns that a frame takes beside its content. */
export function frameColumns(padding: number): number {
  return 2 + 2 * padding;
}

/** A box around a block, with its title in the upper edge; a title without room is cut. */
export function frame(content: Block, style: FrameStyle): Block {
  const { strokes: s, padding, paintFrame } = style;
  const titled = Math.min(textWidth(style.title) + TITLE_EDGE_COLUMNS, style.maxWidth);
  const asked = Math.max(style.width ?? 0, style.title === '' ? 0 : titled);
  const width = Math.max(content.width + frameColumns(padding), asked);
  const inner = width - frameColumns(padding);
  const height = Math.max(content.lines.length, (style.height ?? 0) - 2);
  const side = paintFrame(s.down);
  const space = ' '.repeat(padding);
  const filled = widened(content, inner);
  const empty = ' '.repeat(inner);
  const body = Array.from(
    { length: height },
    (_, row) => `${side}${space}${filled[row] ?? empty}${space}${side}`,
  );
  const bottom = paintFrame(s.bottomLeft + s.across.repeat(width - 2) + s.bottomRight);
  const lines = [topEdge(width, style), ...body, bottom];
  const isCut = style.title !== '' && textWidth(style.title) > width - TITLE_EDGE_COLUMNS;
  return { width, lines, broken: content.broken === true || isCut };
}

/** Corners, strokes and spaces around a title. */
const TITLE_EDGE_COLUMNS = 6;

function topEdge(width: number, { strokes: s, title, paintFrame, paintTitle }: FrameStyle): string {
  const shown = title === '' ? '' : ` ${cut(title, width - TITLE_EDGE_COLUMNS)} `;
  const rest = width - 3 - textWidth(shown);
  if (shown.trim() === '' || rest < 0) {
    return paintFrame(s.topLeft + s.across.repeat(width - 2) + s.topRight);
  }
  const left = paintFrame(s.topLeft + s.across);
  return `${left}${paintTitle(shown)}${paintFrame(s.across.repeat(rest) + s.topRight)}`;
}

/** Text without colours cut to a width; empty when nothing sensible is left. */
export function cut(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  const segments = [...new Intl.Segmenter().segment(text)].map((part) => part.segment);
  while (segments.length > 0 && textWidth(segments.join('')) > width - 1) segments.pop();
  return width < 2 ? '' : `${segments.join('')}~`;
}

function strokes(text: string): Strokes {
  const [topLeft = '', topRight = '', bottomLeft = '', bottomRight = '', across = '', down = ''] =
    text;
  return { topLeft, topRight, bottomLeft, bottomRight, across, down };
}
