import { globSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { basename } from 'node:path';
import { markdownOf } from '../bench/table.ts';
import type { BenchTable, TableOptions } from '../bench/table.ts';
import type { BenchResult } from '../bench/result.ts';

/**
 * Runs one benchmark: `npm run bench -- NAME [--json]`. One of tables takes parts to run by their
 * names, and `--quick` for small versions of them.
 */

/** A benchmark of figures, each beside a peer's. */
interface Comparison {
  readonly bench: () => Promise<readonly BenchResult[]>;
}

/** A benchmark of tables, in parts. */
interface Tables {
  readonly tables: (options: TableOptions) => AsyncIterable<BenchTable>;
  readonly sections: readonly string[];
}

const SHARED = new Set(['result', 'table']);

const names = globSync('bench/*.ts')
  .map((path) => basename(path, '.ts'))
  .filter((name) => !SHARED.has(name))
  .toSorted();
const [name = '', ...parts] = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const isJson = process.argv.includes('--json');

if (names.includes(name)) {
  const benchmark = (await import(`../bench/${name}.ts`)) as Comparison | Tables;
  process.exit('tables' in benchmark ? await runTables(benchmark) : await runResults(benchmark));
}
process.exitCode = complain(`no benchmark named "${name}"`, names);

async function runResults({ bench }: Comparison): Promise<number> {
  const results = await bench();
  if (isJson) {
    answer({ results });
  } else {
    console.log(`${name} on ${machine()}`);
    for (const result of results) console.log(lineOf(result));
  }
  return 0;
}

/** Each table is shown as soon as it is there: all of them take a while. */
async function runTables({ tables, sections }: Tables): Promise<number> {
  const unknown = parts.find((part) => !sections.includes(part));
  if (unknown !== undefined) return complain(`${name} has no part "${unknown}"`, sections);
  const isQuick = process.argv.includes('--quick');
  const tell = (line: string): void => console.error(`... ${line}`);
  const done: BenchTable[] = [];
  if (!isJson) console.log(`${name} on ${machine()}\n`);
  for await (const table of tables({ sections: parts, isQuick, tell })) {
    done.push(table);
    if (!isJson) console.log(markdownOf(table));
  }
  if (isJson) answer({ ...(isQuick ? { isQuick } : {}), tables: done });
  return 0;
}

function answer(figures: object): void {
  console.log(JSON.stringify({ bench: name, machine: machine(), ...figures }, undefined, 2));
}

function complain(problem: string, known: readonly string[]): number {
  console.error(`${problem}; there are: ${known.join(', ')}`);
  return 2;
}

function machine(): string {
  const [first] = cpus();
  return `${cpus().length} x ${first?.model ?? process.arch}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.version}`;
}

function lineOf({ what, unit, berth, peer, peerName, ratio }: BenchResult): string {
  const figure = (value: number): string => `${value.toFixed(1)} ${unit}`;
  return `${what}: ${figure(berth)} against ${figure(peer)} of ${peerName}, ${ratio.toFixed(2)} times`;
}
