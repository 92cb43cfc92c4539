import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { MIB } from '../../../src/base/units.ts';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import { takerOf } from '../../../src/engine/request.ts';
import { fillUp } from '../../../src/engine/simulate/forecast.ts';
import { seatOf } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';

const PAGE = { sizeKiB: 2048, bytes: 2 * MIB };
const REQUEST = ask({ memoryBytes: PAGE.bytes, pageKiB: PAGE.sizeKiB, cells: 1 });

/** A fleet of one host with ten pages, of which so many are free, and seats that have one each. */
function fleetOf(free: number, seats: readonly boolean[] = []): Fleet {
  const host = syntheticHost({
    coresPerCell: 16,
    policy: { overhead: 'none' },
    pools: [{ sizeKiB: PAGE.sizeKiB, total: 10, free }],
    seats: seats.map((running, index) =>
      syntheticSeat(`old-${index}`, {
        running,
        memory: [{ cell: 0, bytes: PAGE.bytes, pageKiB: PAGE.sizeKiB }],
      }),
    ),
  });
  return new Fleet([host]);
}

/** Places VMs until none fits: how many. */
function fill(fleet: Fleet, request: PlacementRequest, most = Infinity): number {
  for (let placed = 0; ; placed++) {
    const found = placed < most ? fleet.find(request) : undefined;
    if (found === undefined) return placed;
    const taker = { ...takerOf(request, `vm-${most}-${placed}`), running: true };
    fleet.enter(found.host, seatOf(taker, found.write()));
  }
}

test('pages of guests that came after the host was seen are not free for the forecast', () => {
  const fleet = fleetOf(6);
  assert.equal(fill(fleet, REQUEST, 5), 5);
  assert.deepEqual([...fillUp(fleet, REQUEST)], [1]);
});

test('pages of guests that left after the host was seen are free for the forecast', () => {
  const fleet = fleetOf(6, [true, true]);
  fleet.leave('uuid-old-0');
  assert.equal([...fillUp(fleet, REQUEST)].length, 7);
});

test('a forecast says how many fit when they come one by one, whoever came and left before', () => {
  const scene = fc.record({
    free: fc.integer({ min: 0, max: 10 }),
    seats: fc.array(fc.boolean(), { maxLength: 6 }),
    leave: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
    come: fc.integer({ min: 0, max: 6 }),
  });
  fc.assert(
    fc.property(scene, ({ free, seats, leave, come }) => {
      const fleet = fleetOf(free, seats);
      for (const index of seats.keys()) if (leave[index] === true) fleet.leave(`uuid-old-${index}`);
      fill(fleet, REQUEST, come);
      const forecast = [...fillUp(fleet, REQUEST)].length;
      assert.equal(forecast, fill(fleet, REQUEST));
    }),
  );
});
