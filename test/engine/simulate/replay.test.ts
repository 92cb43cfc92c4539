import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { POLICIES } from '../../../src/engine/policy/policy.ts';
import { replayFaults } from './plain-checker.ts';
import { linesOf } from './replayed-lines.ts';
import { smallWorkload } from './small-workloads.ts';

test('whatever is asked for, nothing is given twice and nothing refused that fits', () => {
  let placed = 0;
  let refused = 0;
  fc.assert(
    fc.property(smallWorkload(), fc.constantFrom(...POLICIES), (workload, policy) => {
      const lines = linesOf(JSON.stringify(workload), policy);
      placed += lines.length;
      refused += workload.requests.length - lines.length;
      assert.deepEqual(replayFaults(workload, lines), []);
    }),
    { numRuns: 300 },
  );
  assert.ok(placed > 1000 && refused > 1000, `${placed} placed, ${refused} refused`);
});
