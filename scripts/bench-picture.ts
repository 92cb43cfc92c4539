import { readFileSync, writeFileSync } from 'node:fs';
import type { BenchResult } from '../bench/result.ts';

/**
 * Draws the results of a benchmark as SVG, for the documents:
 * `npm run bench -- rpc --json > run.json && node scripts/bench-picture.ts run.json OUT.svg`.
 * Each bar is Berth's figure in parts of the peer's, whose own is the line at 1.
 */

const ROW = 22;
const MARGIN = 12;
const BARS = { left: 430, width: 300 };

/** Bars end at twice the peer's figure; what is longer is cut off there, its number tells. */
const RATIO_MAX = 2;

const INK = '#d7dae0';
const PAPER = '#16191f';
const GOOD = '#3fa36b';
const POOR = '#c9823a';

function benchPicture(results: readonly BenchResult[]): string {
  const width = BARS.left + BARS.width + 60;
  const height = MARGIN * 2 + ROW * results.length;
  const line = BARS.left + BARS.width / RATIO_MAX;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, monospace" font-size="11">`,
    `<rect width="100%" height="100%" rx="8" fill="${PAPER}"/>`,
    ...results.map(rowOf),
    `<path d="M${line} ${MARGIN} V${height - MARGIN}" stroke="${INK}" stroke-dasharray="3 3"/>`,
    '</svg>\n',
  ].join('\n');
}

function rowOf(result: BenchResult, index: number): string {
  const middle = MARGIN + ROW * index + ROW / 2;
  const length = (Math.min(result.ratio, RATIO_MAX) / RATIO_MAX) * BARS.width;
  const isGood = isRate(result) ? result.ratio >= 1 : result.ratio <= 1;
  return [
    `<text x="${BARS.left - 8}" y="${middle + 4}" fill="${INK}" text-anchor="end">${escaped(result.what)}</text>`,
    `<rect x="${BARS.left}" y="${middle - 7}" width="${length.toFixed(1)}" height="14" fill="${isGood ? GOOD : POOR}"/>`,
    `<text x="${BARS.left + BARS.width + 8}" y="${middle + 4}" fill="${INK}">${result.ratio.toFixed(2)}</text>`,
  ].join('\n');
}

/** More is better of what is counted per second; of everything else, less. */
function isRate({ unit }: BenchResult): boolean {
  return unit.endsWith('/s') || unit.startsWith('per ');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

const [input = '', output = ''] = process.argv.slice(2);
const { results } = JSON.parse(readFileSync(input, 'utf8')) as {
  readonly results: readonly BenchResult[];
};
writeFileSync(output, benchPicture(results));
