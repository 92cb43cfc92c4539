import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from '../../src/server/turns.ts';

test('work on one thing never overlaps, in the order asked for, past a failure; other things go on', async () => {
  const turns = new Turns();
  const log: string[] = [];
  const first = Promise.withResolvers<void>();
  const one = turns.take('a', async () => {
    log.push('one begins');
    await first.promise;
    log.push('one fails');
    throw new Error('one');
  });
  const two = turns.take('a', async () => log.push('two'));
  await turns.take('b', async () => log.push('other'));
  first.resolve();
  await assert.rejects(one, /one/);
  await two;
  assert.deepEqual(log, ['one begins', 'other', 'one fails', 'two']);
});
