import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import { findAmong } from '../../../src/engine/place.ts';
import { DEFAULT_POLICY, POLICIES } from '../../../src/engine/policy/policy.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import { takerOf } from '../../../src/engine/request.ts';
import { seatOf } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost } from '../synthetic-host.ts';

const words = fc.constantFrom('app=a', 'app=b', 'app=c');
const over = fc.constantFrom('host', 'zone');
const rule = fc.record({ selector: words, over, hard: fc.boolean() });

const wishful: fc.Arbitrary<PlacementRequest> = fc
  .record({
    vcpus: fc.constantFrom(1, 2, 3),
    label: fc.constantFrom('a', 'b', 'c'),
    affinity: fc.array(rule, { maxLength: 1 }),
    antiAffinity: fc.array(rule, { maxLength: 1 }),
    spread: fc.array(fc.record({ over, maxSkew: fc.constant(1), hard: fc.boolean() }), {
      maxLength: 1,
    }),
    hosts: fc.constantFrom([], [], ['h0', 'h3']),
  })
  .map(({ label, ...rest }) => ask({ ...rest, labels: { app: label } }));

test('a fleet answers relations and choices of hosts as looking at every host does', () => {
  let placed = 0;
  fc.assert(
    fc.property(
      fc.array(wishful, { minLength: 3, maxLength: 25 }),
      fc.constantFrom(DEFAULT_POLICY, ...POLICIES),
      (requests, policy) => {
        const hosts = [0, 1, 2, 3, 4, 5].map((id) => ({
          ...syntheticHost({ name: `h${id}`, sockets: 1 + (id % 2) }),
          labels: { zone: `z${id % 3}` },
        }));
        const fleet = new Fleet(hosts, policy);
        for (const [step, request] of requests.entries()) {
          const plain = findAmong(fleet.choice, request);
          const found = fleet.find(request);
          assert.deepEqual(
            [found?.host, found?.score.total],
            [plain?.host, plain?.score.total],
            `step ${step}`,
          );
          if (found === undefined) continue;
          placed++;
          fleet.enter(found.host, seatOf(takerOf(request, `${step}`), found.write('brief')));
        }
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(placed > 1000, `${placed} placed: little tested`);
});
