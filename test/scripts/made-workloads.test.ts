import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  busier,
  habitsOf,
  madeWorkload,
  volumeBound,
} from '../../bench/placement/made-workloads.ts';
import { Random } from '../../bench/placement/random.ts';
import type { Workload } from '../../src/api/workload-file.ts';
import { GIB } from '../../src/base/units.ts';
import type { Arrival, Flavor } from '../../src/model/arrival.ts';
import { syntheticHost } from '../engine/synthetic-host.ts';

const small: Flavor = {
  name: 'small',
  vcpus: 1,
  memoryBytes: GIB,
  policy: 'dedicated',
  cells: 1,
};
const large: Flavor = { ...small, name: 'large', vcpus: 2 };

/** 1,000 guests in the first hour and 3,000 in the ten after it, each for two hours. */
const LEAVING: Workload = {
  hosts: [],
  arrivals: Array.from({ length: 4000 }, (_, guest): Arrival => {
    const at = guest < 1000 ? guest * 3.6 : 3600 + (guest - 1000) * 12;
    return { at, until: at + 7200, flavor: guest % 4 === 0 ? large : small };
  }),
};

/** Whether a figure is within a tenth of another: draws scatter. */
function isNear(figure: number | undefined, wanted: number): boolean {
  return figure !== undefined && Math.abs(figure - wanted) < wanted / 10;
}

test('a drawn workload has the habits of the one it was drawn from', () => {
  const made = habitsOf(madeWorkload(habitsOf(LEAVING), new Random(1)));
  assert.equal(made.burst, 1000);
  assert.equal(made.later, 3000);
  assert.ok(isNear(made.gap, 12), `${made.gap} s between guests`);
  assert.ok(isNear(made.life, 7200), `${made.life} s of life`);
  const share = made.flavors.find(({ flavor }) => flavor === large)?.share;
  assert.ok(isNear(share, 0.25), `${share} are large`);
});

test('a busier one has more guests in the same time', () => {
  const made = madeWorkload(busier(habitsOf(LEAVING), 1.5), new Random(1));
  assert.equal(made.arrivals.length, 6000);
  assert.ok(isNear(made.arrivals.at(-1)?.at, 3600 + 3000 * 12));
});

test('guests of a drawn workload come in the order of time, and leave after they come', () => {
  const { arrivals } = madeWorkload(habitsOf(LEAVING), new Random(2));
  for (const [index, { at, until = 0 }] of arrivals.entries()) {
    assert.ok(at >= (arrivals[index - 1]?.at ?? 0));
    assert.ok(until >= at);
  }
});

test('another seed draws another workload, the same seed the same', () => {
  const habits = habitsOf(LEAVING);
  const drawn = (seed: number): Workload => madeWorkload(habits, new Random(seed));
  assert.deepEqual(drawn(1), drawn(1));
  assert.notDeepEqual(drawn(1), drawn(2));
});

test('the volume bound is where pCPUs or memory of all cells together are used up', () => {
  const hosts = [syntheticHost({ cellsPerSocket: 2, coresPerCell: 4, cellBytes: 3 * GIB })];
  const arrivals = Array.from({ length: 20 }, (_, at) => ({ at, flavor: small }));
  assert.equal(volumeBound({ hosts, arrivals }), 6);
  const wide = arrivals.map((arrival) => ({ ...arrival, flavor: large }));
  assert.equal(volumeBound({ hosts, arrivals: wide }), 4);
  assert.equal(volumeBound({ hosts, arrivals: arrivals.slice(0, 3) }), 3);
  assert.equal(volumeBound({ hosts, arrivals: [{ at: 0, until: 1, flavor: small }] }), undefined);
});
