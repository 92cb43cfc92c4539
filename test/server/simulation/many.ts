import { parseArgs } from 'node:util';
import { simulate } from './simulation.ts';

/**
 * `node test/server/simulation/many.ts --seeds 10000 --from 1`: runs many seeds, one after the other,
 * and tells those in which something went wrong. Asked to end (SIGTERM) it tells how far it came.
 * `--trace` tells all that happened, for one seed; `--most` is how many may fail before it ends.
 */

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    trace: { type: 'boolean', default: false },
    most: { type: 'string', default: '20' },
  },
});
const first = Number(values.from);
const count = Number(values.seeds);
const failed: number[] = [];
const endings = new Map<string, number>();
const print = (text: string): boolean => process.stdout.write(`${text}\n`);
const since = performance.now();
let seed = first;
process.on('unhandledRejection', (error) => {
  print(`seed ${seed}: unhandled: ${error instanceof Error ? (error.stack ?? '') : ''}`);
  process.exit(1);
});
const end = new AbortController();
process.once('SIGTERM', () => end.abort());
const mayGoOn = (): boolean => failed.length < Number(values.most) && !end.signal.aborted;
for (; seed < first + count && mayGoOn(); seed++) {
  const result = await simulate(seed);
  for (const [ending, times] of Object.entries(result.endings)) {
    endings.set(ending, (endings.get(ending) ?? 0) + times);
  }
  if (values.trace) for (const line of result.trace) print(line);
  if (result.problems.length > 0) {
    failed.push(seed);
    print(`seed ${seed}: ${result.problems.slice(0, 4).join('; ')}`);
  }
}
const seconds = ((performance.now() - since) / 1000).toFixed(1);
print(`${seed - first} seeds from ${first} in ${seconds} s, ${failed.length} failed`);
const lines = [...endings].map(([ending, times]) => `  ${ending}: ${times}`);
print(lines.toSorted((a, b) => a.localeCompare(b)).join('\n'));
process.exitCode = failed.length === 0 ? 0 : 1;
