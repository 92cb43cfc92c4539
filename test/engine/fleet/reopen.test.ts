import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import { hostShape, ShapePool } from '../../../src/engine/host-shape.ts';
import { findAmong } from '../../../src/engine/place.ts';
import type { HostSnapshot } from '../../../src/model/host.ts';
import { seatOf } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { smallHost, smallRequest } from '../small-worlds.ts';

const NAMES = ['h0', 'h1', 'h2', 'h3', 'h4'];

/** A host as it may be seen next: of any make, with any guests, in a zone, open or not. */
const look = fc.record({
  kind: fc.nat(2),
  name: fc.constantFrom(...NAMES),
  zone: fc.constantFrom('a', 'b', undefined),
  closed: fc.constantFrom(undefined, undefined, 'it is cordoned'),
  cpuRatio: fc.constantFrom(1, 4, 16),
  seed: fc.nat(),
});

const story = fc.array(smallHost, { minLength: 3, maxLength: 3 }).chain((kinds) =>
  fc.record({
    kinds: fc.constant(kinds),
    first: fc.array(look, { minLength: 5, maxLength: 5 }),
    steps: fc.array(
      fc.oneof(
        { weight: 2, arbitrary: look },
        { weight: 3, arbitrary: fc.constantFrom(...kinds).chain(smallRequest) },
      ),
      { minLength: 5, maxLength: 25 },
    ),
  }),
);

type Look = typeof look extends fc.Arbitrary<infer T> ? T : never;

function seen(kinds: readonly HostSnapshot[], one: Look, name = one.name): HostSnapshot {
  const { zone, closed, cpuRatio, seed } = one;
  const host = kinds[one.kind];
  assert.ok(host);
  return {
    ...host,
    name,
    // As a host that was looked at again: the same in another object.
    topology: structuredClone(host.topology),
    policy: { ...host.policy, cpuRatio },
    seats: host.seats.map((seat) => ({
      ...seat,
      uuid: `${name}-${seed % 2}-${seat.uuid}`,
      labels: { app: 'db' },
    })),
    ...(zone === undefined ? {} : { labels: { zone } }),
    ...(closed === undefined ? {} : { closed }),
  };
}

test('a fleet whose hosts are seen anew answers what looking at every host answers', () => {
  let placed = 0;
  let refused = 0;
  fc.assert(
    fc.property(story, ({ kinds, first, steps }) => {
      const pool = new ShapePool();
      const shared = (host: HostSnapshot): HostSnapshot => {
        pool.share(host.topology);
        return host;
      };
      const fleet = new Fleet(first.map((one, index) => shared(seen(kinds, one, NAMES[index]))));
      for (const [step, what] of steps.entries()) {
        if ('seed' in what) {
          fleet.reopen(shared(seen(kinds, what)));
          continue;
        }
        const rules = [
          {},
          { hostLabels: { zone: 'a' } },
          { spread: [{ over: 'zone', selector: 'app=db', maxSkew: 2, hard: true }] },
        ];
        const request = { ...what, name: `vm-${step}`, hosts: [], ...rules[step % rules.length] };
        const plain = findAmong(fleet.choice, request);
        const found = fleet.find(request);
        assert.deepEqual(found?.host, plain?.host, `step ${step}`);
        assert.deepEqual(found?.score, plain?.score);
        assert.deepEqual(found?.write(), plain?.write());
        if (found === undefined) {
          refused++;
          continue;
        }
        placed++;
        assert.equal(fleet.ledger(found.host).host.closed, undefined);
        const taker = { name: request.name, uuid: `uuid-${step}`, running: false };
        fleet.enter(found.host, seatOf(taker, found.write('brief')));
      }
    }),
    { numRuns: 200 },
  );
  assert.ok(placed > 200 && refused > 100, `${placed} placed, ${refused} refused: little tested`);
});

test('a host that takes no new VMs says why, and keeps those it has', () => {
  const [host] = fc.sample(smallHost, { seed: 1, numRuns: 1 });
  assert.ok(host);
  const fleet = new Fleet([{ ...host, seats: [] }]);
  const request = ask({ vcpus: 1, memoryBytes: 1024 ** 2 });
  assert.ok(fleet.find(request));
  fleet.reopen({ ...host, seats: [], closed: 'it is cordoned' });
  assert.equal(fleet.find(request), undefined);
  const result = fleet.place(request);
  assert.ok(!result.ok);
  assert.deepEqual(
    result.refusals.map(({ checks }) => checks.map(({ check }) => check)),
    [['host-closed']],
  );
  assert.match(result.summary, /taking no new VMs|takes no new VMs: it is cordoned/);
});

test('hosts of one make have one shape, whatever is free on them', () => {
  const [host] = fc.sample(smallHost, { seed: 2, numRuns: 1 });
  assert.ok(host);
  const pool = new ShapePool();
  const [one, two] = [structuredClone(host.topology), structuredClone(host.topology)];
  const busy = { ...two, cells: two.cells.map((cell) => ({ ...cell, freeBytes: 0 })) };
  for (const topology of [one, busy]) pool.share(topology);
  assert.equal(hostShape(one), hostShape(busy));
});
