import { globSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { basename } from 'node:path';
import type { BenchResult } from '../bench/result.ts';

/** Runs one benchmark: `npm run bench -- NAME [--json]`. */

const names = globSync('bench/*.ts')
  .map((path) => basename(path, '.ts'))
  .filter((name) => name !== 'result')
  .toSorted();
const [name = ''] = process.argv.slice(2).filter((word) => !word.startsWith('--'));

if (names.includes(name)) {
  const { bench } = (await import(`../bench/${name}.ts`)) as {
    readonly bench: () => Promise<readonly BenchResult[]>;
  };
  const results = await bench();
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ bench: name, machine: machine(), results }, undefined, 2));
  } else {
    console.log(`${name} on ${machine()}`);
    for (const result of results) console.log(lineOf(result));
  }
  process.exit(0);
}
console.error(`no benchmark named "${name}"; there are: ${names.join(', ')}`);
process.exitCode = 2;

function machine(): string {
  const [first] = cpus();
  return `${cpus().length} x ${first?.model ?? process.arch}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.version}`;
}

function lineOf({ what, unit, berth, peer, peerName, ratio }: BenchResult): string {
  const figure = (value: number): string => `${value.toFixed(1)} ${unit}`;
  return `${what}: ${figure(berth)} against ${figure(peer)} of ${peerName}, ${ratio.toFixed(2)} times`;
}
