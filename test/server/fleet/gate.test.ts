import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gate } from '../../../src/server/fleet/gate.ts';

const NEVER = new AbortController().signal;

/** A clock that is moved by hand. */
function handClock() {
  const waiting = new Set<() => void>();
  return {
    sleep: async () => new Promise<void>((resolve) => waiting.add(resolve)),
    tick: () => {
      for (const resolve of waiting) resolve();
      waiting.clear();
    },
  };
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('so many are inside at a time, and the others come in the order they came', async () => {
  const gate = new Gate({ inside: 2, countsMs: 1 }, handClock().sleep);
  const [first, second] = [await gate.enter(NEVER), await gate.enter(NEVER)];
  const came: string[] = [];
  const third = gate.enter(NEVER).then(() => came.push('third'));
  const fourth = gate.enter(NEVER).then(() => came.push('fourth'));
  await settled();
  assert.deepEqual(came, []);
  first();
  first(); // going out twice is going out once
  await third;
  assert.deepEqual(came, ['third']);
  assert.equal(gate.waiting, 1);
  second();
  await fourth;
  assert.deepEqual(came, ['third', 'fourth']);
});

test('one that takes long is not counted any more, and holds up nobody', async () => {
  const clock = handClock();
  const gate = new Gate({ inside: 1, countsMs: 1 }, clock.sleep);
  const slow = await gate.enter(NEVER);
  const next = gate.enter(NEVER);
  clock.tick();
  const leave = await next;
  slow(); // out at last: that lets in nobody twice
  const last = gate.enter(NEVER);
  await settled();
  assert.equal(gate.waiting, 1);
  leave();
  await last;
});

test('whoever gives up waiting is not let in, and keeps nobody out', async () => {
  const gate = new Gate({ inside: 1, countsMs: 1 }, handClock().sleep);
  const leave = await gate.enter(NEVER);
  const patience = new AbortController();
  const impatient = gate.enter(patience.signal);
  const patient = gate.enter(NEVER);
  patience.abort(new Error('enough'));
  await assert.rejects(impatient, /enough/);
  leave();
  await patient;
  await assert.rejects(gate.enter(patience.signal), /enough/);
});
