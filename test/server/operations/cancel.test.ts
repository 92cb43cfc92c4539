import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { done, startRig, tinyVm } from '../rig.ts';

const skip = await labSkip();

test('a stop that waits for its guest is cancelled; what has ended is not', { skip }, async () => {
  await using rig = await startRig();
  const { client } = rig;
  const created = await done(
    client,
    await client.createVm(tinyVm(rig.lab, 'calm'), { start: true }),
  );
  // Paused, it cannot hear that it shall shut down.
  await done(client, await client.act('calm', 'pause'));
  const stop = await client.act('calm', 'stop');
  const cancelled = await client.cancelOperation(stop.id);
  assert.ok(cancelled.state !== 'done');
  const last = await client.wait(cancelled, () => {});
  assert.deepEqual([last.state, last.error?.code], ['undone', 'BERTH_CANCELLED']);
  assert.equal((await client.vm('calm')).state, 'paused');
  for (const { id } of [stop, created]) {
    await assert.rejects(
      client.cancelOperation(id),
      (error) => isBerthError(error, 'BERTH_CONFLICT') && error.message.includes('ended already'),
    );
  }
  await assert.rejects(client.cancelOperation('nobody'), (error) =>
    isBerthError(error, 'BERTH_NOT_FOUND'),
  );
});

test('a removal is not cancelled: what it takes away does not come back', { skip }, async () => {
  await using rig = await startRig();
  const { client } = rig;
  await done(client, await client.createVm(tinyVm(rig.lab, 'brief'), { start: true }));
  const removal = await client.removeVm('brief', { force: true });
  await assert.rejects(
    client.cancelOperation(removal.id),
    (error) => isBerthError(error, 'BERTH_CONFLICT') && /no way back|ended/.test(error.message),
  );
  assert.equal((await done(client, removal)).state, 'done');
});
