import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FailureLimit } from '../../../src/server/access/failure-limit.ts';

function failTimes(limit: FailureLimit, address: string, times: number): void {
  for (let time = 0; time < times; time++) limit.failed(address);
}

test('an address is not heard after ten failures, and again when time has passed', () => {
  let now = 0;
  const limit = new FailureLimit(() => now);
  failTimes(limit, '10.0.0.1', 9);
  assert.equal(limit.waitMs('10.0.0.1'), 0);
  limit.failed('10.0.0.1');
  assert.equal(limit.waitMs('10.0.0.1'), 6000);
  assert.equal(limit.waitMs('10.0.0.2'), 0);
  now = 5999;
  assert.ok(limit.waitMs('10.0.0.1') > 0);
  now = 6000;
  assert.equal(limit.waitMs('10.0.0.1'), 0);
  now = 0; // a clock that is set back neither forgives nor punishes for ever
  limit.failed('10.0.0.1');
  assert.ok(limit.waitMs('10.0.0.1') <= 6000);
});

test('the addresses of one IPv6 network count as one, and an IPv4 address in it as itself', () => {
  const limit = new FailureLimit(() => 0);
  for (let host = 0; host < 10; host++) limit.failed(`2001:db8:1:2::${host}`);
  assert.ok(limit.waitMs('2001:db8:1:2:ffff:1:2:3') > 0);
  assert.equal(limit.waitMs('2001:db8:1:3::1'), 0);
  failTimes(limit, '::ffff:10.0.0.1', 10);
  assert.ok(limit.waitMs('10.0.0.1') > 0);
  assert.equal(limit.waitMs('::ffff:10.0.0.2'), 0);
});

test('failures from everywhere count together, and what is remembered is bounded', () => {
  let now = 0;
  const limit = new FailureLimit(() => now);
  for (let host = 0; host < 200; host++) limit.failed(`10.1.${host}.1`);
  assert.ok(limit.waitMs('10.9.9.9') > 0);
  now = 1e9;
  failTimes(limit, '10.0.0.1', 10);
  for (let host = 0; host < 5000; host++) limit.failed(`10.${host >> 8}.${host & 255}.7`);
  now += 1000; // enough for all together, not for one
  assert.equal(limit.waitMs('10.0.0.1'), 0, 'the one that failed longest ago was forgotten');
});
