import { readFileSync, writeFileSync } from 'node:fs';
import stringWidth from 'string-width';

/**
 * Draws coloured terminal output as SVG, for the documents:
 * `node scripts/terminal-picture.ts IN.txt OUT.svg`. Knows bold, dim and 256 colours, which is what
 * Berth's own output uses.
 */

const CELL = { width: 8, height: 17 };
const MARGIN = 12;
const INK = '#d7dae0';
const PAPER = '#16191f';

interface Style {
  readonly bold: boolean;
  readonly dim: boolean;
  readonly ink?: number;
  readonly paper?: number;
}

interface Run {
  readonly text: string;
  readonly column: number;
  readonly style: Style;
}

export function terminalPicture(text: string): string {
  const lines = text.replace(/\n$/, '').split('\n').map(runsOf);
  const columns = Math.max(...lines.map((runs) => endOf(runs)));
  const width = columns * CELL.width + 2 * MARGIN;
  const height = lines.length * CELL.height + 2 * MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, monospace" font-size="13">`,
    `<rect width="100%" height="100%" rx="8" fill="${PAPER}"/>`,
    ...lines.flatMap((runs, row) => runs.flatMap((run) => drawRun(run, row))),
    '</svg>',
    '',
  ].join('\n');
}

function runsOf(line: string): readonly Run[] {
  const runs: Run[] = [];
  let style: Style = { bold: false, dim: false };
  let column = 0;
  // oxlint-disable-next-line no-control-regex -- escape sequences are what is read
  for (const part of line.split(/(\u001b\[[\d;]*m)/)) {
    if (part.startsWith('\u001b')) style = restyle(style, part.slice(2, -1).split(';').map(Number));
    else if (part !== '') {
      runs.push({ text: part, column, style });
      column += stringWidth(part);
    }
  }
  return runs;
}

function restyle(style: Style, codes: readonly number[]): Style {
  let next = style;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] ?? 0;
    if (code === 0) next = { bold: false, dim: false };
    else if (code === 1) next = { ...next, bold: true };
    else if (code === 2) next = { ...next, dim: true };
    else if (code === 22) next = { ...next, bold: false, dim: false };
    else if (code === 38 || code === 48) {
      next = { ...next, [code === 38 ? 'ink' : 'paper']: codes[at + 2] ?? 0 };
      at += 2;
    }
  }
  return next;
}

function drawRun({ text, column, style }: Run, row: number): readonly string[] {
  const x = MARGIN + column * CELL.width;
  const y = MARGIN + row * CELL.height;
  const width = stringWidth(text) * CELL.width;
  const paper =
    style.paper === undefined
      ? []
      : [
          `<rect x="${x}" y="${y}" width="${width}" height="${CELL.height}" fill="${colour(style.paper)}"/>`,
        ];
  if (text.trim() === '') return paper;
  const look = [
    style.ink === undefined ? '' : ` fill="${colour(style.ink)}"`,
    style.bold ? ' font-weight="bold"' : '',
    style.dim ? ' opacity="0.55"' : '',
  ].join('');
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return [
    ...paper,
    `<text x="${x}" y="${y + 13}" fill="${INK}"${look} textLength="${width}" xml:space="preserve">${escaped}</text>`,
  ].map((line) => (look.includes('fill') ? line.replace(` fill="${INK}"`, '') : line));
}

/** The 6 x 6 x 6 cube and the grey ramp of xterm's 256 colours. */
function colour(index: number): string {
  if (index >= 232) return rgb(Array.from({ length: 3 }, () => 8 + (index - 232) * 10));
  const cube = Math.max(0, index - 16);
  const level = (part: number): number => (part === 0 ? 0 : 55 + part * 40);
  return rgb([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level));
}

function rgb(parts: readonly number[]): string {
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

function endOf(runs: readonly Run[]): number {
  const last = runs.at(-1);
  return last === undefined ? 0 : last.column + stringWidth(last.text);
}

if (import.meta.main) {
  const [from = '', to = ''] = process.argv.slice(2);
  writeFileSync(to, terminalPicture(readFileSync(from, 'utf8')));
}
