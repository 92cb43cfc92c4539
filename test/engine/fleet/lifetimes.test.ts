import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import { findAmong } from '../../../src/engine/place.ts';
import { POLICIES, policyNamed } from '../../../src/engine/policy/policy.ts';
import { comingAt, kindKey, takerOf } from '../../../src/engine/request.ts';
import { seatOf } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost } from '../synthetic-host.ts';

const HOUR = 3_600_000;

test('with ends to be expected a fleet still answers what looking at every host answers', () => {
  let placed = 0;
  const guest = fc.record({
    vcpus: fc.integer({ min: 1, max: 3 }),
    hours: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  });
  const story = fc.array(guest, { minLength: 5, maxLength: 30 });
  fc.assert(
    fc.property(fc.constantFrom(...POLICIES), story, (policy, guests) => {
      const hosts = Array.from({ length: 5 }, (_, i) => syntheticHost({ name: `h${i}` }));
      const fleet = new Fleet(hosts, policy);
      for (const [step, { vcpus, hours }] of guests.entries()) {
        const stays = hours === undefined ? {} : { expectedLifetimeMs: hours * HOUR };
        const request = comingAt(ask({ vcpus, ...stays }), (step * HOUR) / 2);
        const plain = findAmong(fleet.choice, request);
        const found = fleet.find(request);
        assert.deepEqual(found?.host, plain?.host, `step ${step}`);
        assert.deepEqual(found?.score, plain?.score);
        if (found === undefined) continue;
        placed++;
        const taker = { ...takerOf(request, `vm-${step}`), running: true };
        fleet.enter(found.host, seatOf(taker, found.write()));
      }
    }),
    { numRuns: 150 },
  );
  assert.ok(placed > 500, `${placed} placed: little tested`);
});

test('the seat of a request tells when it ends, where that is known', () => {
  const request = comingAt(ask({ expectedLifetimeMs: HOUR }), 5);
  const { expectedEnd = 0 } = takerOf(request, 'a');
  assert.ok(expectedEnd >= HOUR + 5 && expectedEnd < 1.2 * HOUR, `${expectedEnd}`);
  assert.equal(comingAt(ask(), 5).expectedEnd, undefined);
});

test('only policies that look at ends tell requests apart by them', () => {
  for (const fields of [{}, { emulator: 'isolate' }] as const) {
    const request = ask({ ...fields, expectedLifetimeMs: HOUR });
    for (const policy of POLICIES) {
      const keys = new Set([0, HOUR].map((now) => kindKey(comingAt(request, now), policy)));
      assert.equal(keys.size, policy === policyNamed('lifetime') ? 2 : 1, policy.name);
    }
  }
});

test('a thousand lifetimes that are told, from minutes to days, are few kinds of requests', () => {
  const policy = policyNamed('lifetime');
  assert.ok(policy !== undefined);
  const days = 24 * HOUR;
  const requests = Array.from({ length: 1000 }, (_, i) => {
    const told = 60_000 * 1.007 ** i + i;
    const { expectedEnd = 0, expectedLifetimeMs = 0 } = comingAt(
      ask({ expectedLifetimeMs: told }),
      400 * days + i * 1000,
    );
    assert.ok(expectedEnd >= 400 * days + i * 1000 + told);
    assert.ok(expectedEnd <= 400 * days + i * 1000 + 1.2 * told);
    assert.ok(expectedLifetimeMs > told / 1.5 && expectedLifetimeMs < 1.5 * told);
    return ask({ expectedLifetimeMs, expectedEnd });
  });
  const kinds = new Set(requests.map((request) => kindKey(request, policy)));
  assert.ok(kinds.size < 200, `${kinds.size} kinds`);
});
