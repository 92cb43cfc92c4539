import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIB } from '../../../src/base/units.ts';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import { DEFAULT_POLICY } from '../../../src/engine/policy/policy.ts';
import { fillUp } from '../../../src/engine/simulate/forecast.ts';
import { Fragmentation } from '../../../src/engine/simulate/fragmentation.ts';
import { replay } from '../../../src/engine/simulate/replay.ts';
import { Tally } from '../../../src/engine/simulate/tally.ts';
import type { Arrival, Flavor } from '../../../src/model/arrival.ts';
import type { HostSnapshot } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';

const POLICY = { overhead: 'none', ramRatio: 1 } as const;

/** Two hosts of four pCPUs and 4 GiB in one cell. */
function twoHosts(): Fleet {
  return new Fleet(['h1', 'h2'].map((name) => syntheticHost({ name, policy: POLICY })));
}

function pinned(vcpus: number, gib = 1): Flavor {
  const name = `${vcpus}c${gib}g`;
  return { name, vcpus, memoryBytes: gib * GIB, policy: 'dedicated', cells: 1 };
}

/** Replays guests on a fleet, each step a millisecond longer than the one before. */
function tallied(fleet: Fleet, arrivals: readonly Arrival[]): Tally {
  const tally = new Tally(fleet);
  let calls = 0;
  const clock = (): number => {
    calls++;
    return calls % 2 === 1 ? 0 : calls / 2;
  };
  for (const step of replay(fleet, arrivals, { clock })) tally.add(step);
  return tally;
}

test('figures say who was placed, where it began to fail, and how full the hosts were', () => {
  const big = pinned(4);
  const fleet = twoHosts();
  const tally = tallied(fleet, [
    { at: 0, flavor: big, until: 3 },
    { at: 1, flavor: big },
    { at: 2, flavor: pinned(2) },
    { at: 3, flavor: pinned(2) },
  ]);
  const { steadyHostsUsed, ...figures } = tally.figures();
  assert.deepEqual(figures, {
    policy: DEFAULT_POLICY.name,
    requests: 4,
    placed: 3,
    refused: 1,
    firstRefusal: 2,
    refusedVcpuPercent: 16.666667,
    hosts: 2,
    hostsUsed: 2,
    hostsUsedPeak: 2,
    utilisation: { cpu: 0.875, memory: 0.25 },
    refusals: { 'free-pcpus': 1 },
    decisionsPerSecond: 400,
    p50us: 3000,
    p99us: 4000,
  });
  assert.equal(steadyHostsUsed, 2);
  assert.deepEqual(tally.history.hostsUsed, [1, 2, 2, 2]);
  assert.deepEqual(tally.history.refusals, [{ row: 2, reason: 'free-pcpus' }]);
});

test('guests that were there before count among what is taken', () => {
  const seat = syntheticSeat('old', {
    dedicated: [0, 1],
    memory: [{ cell: 0, bytes: 2 * GIB, pageKiB: 4 }],
  });
  const fleet = new Fleet([syntheticHost({ policy: POLICY, seats: [seat] })]);
  const { hostsUsed, utilisation } = tallied(fleet, [{ at: 0, flavor: pinned(1) }]).figures();
  assert.equal(hostsUsed, 1);
  assert.deepEqual(utilisation, { cpu: 0.75, memory: 0.75 });
});

test('floating vCPUs count by the ratio of their host', () => {
  const flavor: Flavor = { ...pinned(4), policy: 'shared', cells: 'none' };
  const { utilisation } = tallied(twoHosts(), [{ at: 0, flavor }]).figures();
  assert.deepEqual(utilisation, { cpu: 4 / 16 / 8, memory: 1 / 8 });
});

test('nothing asked for is nothing refused', () => {
  const { refusedVcpuPercent, firstRefusal, decisionsPerSecond } = tallied(
    twoHosts(),
    [],
  ).figures();
  assert.deepEqual([refusedVcpuPercent, firstRefusal, decisionsPerSecond], [0, null, 0]);
});

test('the reason of a refusal is what most hosts lack', () => {
  const host = (name: string, coresPerCell: number): HostSnapshot =>
    syntheticHost({ name, coresPerCell, cellBytes: GIB, policy: POLICY });
  const arrivals = [{ at: 0, flavor: pinned(4, 1.5) }];
  const reasons = (...cores: readonly number[]): object =>
    tallied(new Fleet(cores.map((count, i) => host(`h${i}`, count))), arrivals).figures().refusals;
  assert.deepEqual(reasons(2, 8, 8), { memory: 1 });
  assert.deepEqual(reasons(2, 2, 8), { 'free-pcpus': 1 });
});

test('a guest that each host would take by itself is refused for its relations', () => {
  const rule = { selector: 'app=db', over: 'host', hard: true } as const;
  const guest = { flavor: pinned(1), labels: { app: 'db' }, rules: { antiAffinity: [rule] } };
  const arrivals = [0, 1, 2].map((at) => ({ at, ...guest }));
  assert.deepEqual(tallied(twoHosts(), arrivals).figures().refusals, { relations: 1 });
});

test('a forecast counts what still fits, and leaves the fleet as it was', () => {
  const fleet = twoHosts();
  tallied(fleet, [{ at: 0, flavor: pinned(3) }]);
  const seats = (): object => fleet.ledgers.map((ledger) => [...ledger.seats.values()]);
  const before = seats();
  const request = ask({ vcpus: 2, memoryBytes: GIB });
  assert.deepEqual([...fillUp(fleet, request)], [1, 2]);
  assert.deepEqual(seats(), before);
});

test('free pCPUs are fragments where a typical request does not fit', () => {
  const fleet = twoHosts();
  const demand = [1, 1, 2, 3].map((vcpus, at) => ({ at, flavor: pinned(vcpus) }));
  const same = new Map(demand.map(({ flavor }) => [flavor.name, flavor]));
  const arrivals = demand.map(({ at, flavor }) => ({
    at,
    flavor: same.get(flavor.name) ?? flavor,
  }));
  const fragmentation = new Fragmentation(fleet, arrivals);
  assert.equal(fragmentation.now(), 0);
  tallied(fleet, [{ at: 0, flavor: pinned(3) }]);
  // One pCPU of five is left on the first host: two of four requests are for more.
  assert.equal(fragmentation.now(), (1 / 5) * (2 / 4));
});

test('there is no fragmentation without anybody who asks for pCPUs', () => {
  const flavor: Flavor = { ...pinned(4), policy: 'shared', cells: 'none' };
  assert.equal(new Fragmentation(twoHosts(), [{ at: 0, flavor }]).now(), undefined);
});
