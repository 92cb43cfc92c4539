import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedReading } from '../../src/host/shared-reading.ts';

test('who asks while a reading is under way shares the next one with the others who do', async () => {
  const begun: PromiseWithResolvers<number>[] = [];
  const shared = new SharedReading(async () => {
    const reading = Promise.withResolvers<number>();
    begun.push(reading);
    return reading.promise;
  });
  const first = shared.get();
  await settled();
  const [second, third] = [shared.get(), shared.get()];
  await settled();
  assert.equal(begun.length, 1);
  assert.equal(shared.isIdle, false);
  begun[0]?.resolve(1);
  assert.equal(await first, 1);
  await settled();
  assert.equal(begun.length, 2);
  begun[1]?.resolve(2);
  assert.deepEqual(await Promise.all([second, third]), [2, 2]);
  assert.equal(shared.isIdle, true);
});

test('a reading that fails fails for those who share it, and the next one is made', async () => {
  let attempts = 0;
  const shared = new SharedReading(async () => {
    attempts++;
    if (attempts === 1) throw new Error('gone');
    return attempts;
  });
  const both = [shared.get(), shared.get()];
  for (const each of both) await assert.rejects(each, /gone/);
  assert.equal(await shared.get(), 2);
});

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}
