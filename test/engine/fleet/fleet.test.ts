import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import { findAmong } from '../../../src/engine/place.ts';
import { DEFAULT_POLICY, POLICIES } from '../../../src/engine/policy/policy.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import type { HostSnapshot } from '../../../src/model/host.ts';
import { seatOf } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { smallRequest, smallHost } from '../small-worlds.ts';

/** What counts promise too easily: whole cores, on hosts whose cores are not all alike. */
const isolated = fc
  .record({ vcpus: fc.integer({ min: 1, max: 6 }), cells: fc.constantFrom('auto', 1, 2) })
  .map(({ vcpus, cells }) =>
    ask({ vcpus, cells: cells as PlacementRequest['cells'], threads: 'isolate' }),
  );

/** A fleet of small hosts, many of them alike, and what happens on it. */
const story = fc
  .record({
    kinds: fc.array(smallHost, { minLength: 1, maxLength: 3 }),
    copies: fc.integer({ min: 1, max: 4 }),
    policy: fc.constantFrom(DEFAULT_POLICY, ...POLICIES),
  })
  .chain((fleet) =>
    fc.record({
      fleet: fc.constant(fleet),
      steps: fc.array(
        fc.oneof(
          { weight: 4, arbitrary: fc.constantFrom(...fleet.kinds).chain(smallRequest) },
          { weight: 1, arbitrary: isolated },
          { weight: 1, arbitrary: fc.nat(30) },
        ),
        { minLength: 5, maxLength: 40 },
      ),
    }),
  );

function hostsOf(kinds: readonly HostSnapshot[], copies: number): readonly HostSnapshot[] {
  return kinds.flatMap((host, kind) =>
    Array.from({ length: copies }, (_, copy) => ({
      ...host,
      name: `h${kind}-${copy}`,
      seats: host.seats.map((seat) => ({ ...seat, uuid: `${kind}-${copy}-${seat.uuid}` })),
    })),
  );
}

test('a fleet answers what looking at every host answers, whatever came before', () => {
  let placed = 0;
  let refused = 0;
  fc.assert(
    fc.property(story, ({ fleet: { kinds, copies, policy }, steps }) => {
      const fleet = new Fleet(hostsOf(kinds, copies), policy);
      const there: string[] = [];
      for (const [step, what] of steps.entries()) {
        if (typeof what === 'number') {
          const uuid = there.splice(what % Math.max(1, there.length), 1)[0];
          if (uuid !== undefined) fleet.leave(uuid);
          continue;
        }
        const hosts = step % 7 === 6 ? ['h0-0', 'h0-1'] : [];
        const request: PlacementRequest = { ...what, name: `vm-${step}`, hosts };
        const plain = findAmong(fleet.choice, request);
        const found = fleet.find(request);
        assert.deepEqual(found?.host, plain?.host, `step ${step}`);
        assert.deepEqual(found?.score, plain?.score);
        if (found === undefined) {
          refused++;
          continue;
        }
        placed++;
        const placement = found.write();
        assert.deepEqual(placement, plain?.write());
        const uuid = `uuid-${step}`;
        fleet.enter(found.host, seatOf({ name: request.name, uuid, running: true }, placement));
        there.push(uuid);
      }
    }),
    { numRuns: 400 },
  );
  assert.ok(placed > 700 && refused > 300, `${placed} placed, ${refused} refused: little tested`);
});
