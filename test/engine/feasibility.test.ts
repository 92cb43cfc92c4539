import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ledgerOf } from '../../src/engine/ledger.ts';
import { placeOnHost } from '../../src/engine/place-on-host.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import { feasible } from './brute-force.ts';
import { placementFaults } from './placement-faults.ts';
import { smallWorld } from './small-worlds.ts';

const RUNS = 3000;

test('what the engine places keeps every promise, counted anew', () => {
  let placed = 0;
  fc.assert(
    fc.property(smallWorld, ({ host, request }) => {
      const result = placeOnHost(ledgerOf(host), request);
      if (!result.ok) return;
      placed++;
      assert.deepEqual(placementFaults(host, request, result.write()), []);
    }),
    { numRuns: RUNS },
  );
  assert.ok(placed > RUNS / 6, `only ${placed} of ${RUNS} worlds had room: the test tests little`);
});

test('whatever trying everything finds feasible the engine places, and nothing else', () => {
  let both = 0;
  fc.assert(
    fc.property(smallWorld, ({ host, request }) => {
      fc.pre(isLaidOutInCells(request));
      const possible = feasible(host, request);
      const result = placeOnHost(ledgerOf(host), request);
      assert.equal(result.ok, possible, JSON.stringify(result));
      if (possible) both++;
    }),
    { numRuns: RUNS },
  );
  assert.ok(both > RUNS / 6, `only ${both} of ${RUNS} worlds had room: the test tests little`);
});

/** A shared guest without cells may also float anywhere, which the twin does not try. */
function isLaidOutInCells(request: PlacementRequest): boolean {
  return request.policy !== 'shared' || request.cells !== 'auto' || request.pageKiB !== undefined;
}
