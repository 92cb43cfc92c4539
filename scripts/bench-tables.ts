import { readFileSync, writeFileSync } from 'node:fs';
import { markdownOf } from '../bench/table.ts';
import type { BenchTable } from '../bench/table.ts';

/**
 * Puts the tables of a benchmark into a document, or prints them:
 * `npm run --silent bench -- placement --json > run.json && node scripts/bench-tables.ts run.json docs/performance.md`.
 * Each part has its place between `<!-- bench placement scale -->` and `<!-- end -->`; parts that
 * were not run stay as they are.
 */

interface Run {
  readonly bench: string;
  readonly machine: string;
  /** Small versions, whose figures say nothing. */
  readonly isQuick?: boolean;
  readonly tables: readonly BenchTable[];
}

const [input = '', document] = process.argv.slice(2);
const { bench, machine, isQuick, tables } = JSON.parse(readFileSync(input, 'utf8')) as Run;
const parts = Map.groupBy(tables, ({ section }) => section);

if (document === undefined) {
  for (const [section] of parts) console.log(textOf(section));
} else if (isQuick === true) {
  console.error(`${input} is of a quick run, whose figures say nothing`);
  process.exitCode = 1;
} else {
  let text = readFileSync(document, 'utf8');
  for (const [section] of parts) text = filled(text, section);
  writeFileSync(document, text);
}

function textOf(section: string): string {
  const own = parts.get(section) ?? [];
  return [...own.map(markdownOf), `Machine: ${machine}.`].join('\n');
}

function filled(text: string, section: string): string {
  const [begin, end] = [`<!-- bench ${bench} ${section} -->\n`, '<!-- end -->'];
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`${document} has no place for ${section}`);
  return `${text.slice(0, from + begin.length)}\n${textOf(section)}\n\n${text.slice(to)}`;
}
