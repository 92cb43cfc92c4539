import assert from 'node:assert/strict';
import { test } from 'node:test';
import { simulate } from './simulation.ts';
import type { SimulationResult } from './simulation.ts';

/** How many worlds are tried. */
const SEEDS = 100;
/** Far enough from the largest that a seed can be. */
const SEED_MAX = 1_000_000_000;

test('a server survives whatever befalls it in a hundred worlds', async (context) => {
  const only = process.env['SEED'];
  const round = process.env['BERTH_TEST_SEED'];
  const first = only ?? round ?? Math.floor(Math.random() * SEED_MAX);
  const count = only === undefined ? SEEDS : 1;
  context.diagnostic(`seeds ${first} and on, ${count} of them`);
  for (let seed = Number(first); seed < Number(first) + count; seed++) {
    const result = await simulate(seed);
    assert.deepEqual(result.problems, [], told(result));
  }
});

test('a seed decides all of a run', async () => {
  for (const seed of [3, 8]) {
    const [one, other] = [await simulate(seed), await simulate(seed)];
    assert.equal(one.digest, other.digest);
    assert.ok(one.events > 0);
  }
});

/** What somebody needs to see it again. */
function told({ seed, problems, trace }: SimulationResult): string {
  const again = `SEED=${seed} node --test test/server/simulation/simulation.test.ts`;
  return [...problems, ...trace.slice(-40), `again with: ${again}`].join('\n');
}
