import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { settledOrAborted } from '../../src/server/settled-or-aborted.ts';

test('waiting again and again leaves nothing behind at the signal', async () => {
  const { signal } = new AbortController();
  for (let turn = 0; turn < 20; turn++) await settledOrAborted(Promise.resolve(), signal);
  await assert.rejects(settledOrAborted(Promise.reject(new Error('no')), signal), /no/);
  assert.deepEqual(getEventListeners(signal, 'abort'), []);
});

test('a wait ends with the signal, whether that aborts before or within it', async () => {
  const end = new AbortController();
  const never = new Promise<void>(() => {});
  const waiting = settledOrAborted(never, end.signal);
  end.abort();
  await waiting;
  await settledOrAborted(never, end.signal);
  assert.deepEqual(getEventListeners(end.signal, 'abort'), []);
});
