import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { CrashScene } from './crash-scene.ts';

/** A server is killed with SIGKILL while it changes a VM: the next one ends that, done or undone. */

const skip = await labSkip();

/** Moments at which a server is killed, evenly over what a change takes. */
const MOMENTS = 24;

for (const isRunning of [false, true]) {
  const kind = isRunning ? 'a guest that is restarted' : 'a VM that is off';

  test(`killed at every step of changing ${kind}, it is carried to its end`, { skip }, async () => {
    await using scene = await CrashScene.open({ isRunning });
    let is = scene.small;
    let count = 1;
    for (let step = 0; step < count; step++) {
      // To the larger one and to the smaller one: a disk is made, and one is deleted.
      for (let way = 0; way < 2; way++) {
        const to = scene.other(is);
        const begun = await scene.change(to);
        count = Math.max(count, begun.steps.length);
        const last = await scene.server.crashAfter(begun, step);
        assert.equal(last.state, 'done', JSON.stringify(last.error));
        is = await scene.ended(is, to, last);
      }
    }
    assert.ok(count >= (isRunning ? 8 : 5), `${count} steps`);
  });

  test(`killed at any moment of changing ${kind}, it ends whole`, { skip }, async () => {
    await using scene = await CrashScene.open({ isRunning });
    const { client } = scene.server;
    const since = Date.now();
    const measured = await client.wait(await scene.change(scene.large), () => {});
    assert.equal(measured.state, 'done');
    const takesMs = Date.now() - since;
    let is = scene.large;
    for (let moment = 0; moment < MOMENTS; moment++) {
      const to = scene.other(is);
      const begun = await scene.change(to);
      const last = await scene.server.crashAt(begun, (moment * takesMs) / MOMENTS);
      is = await scene.ended(is, to, last);
    }
  });
}

test('killed while a change is taken back, the guest is as before and runs', { skip }, async () => {
  await using scene = await CrashScene.open({ isRunning: true });
  const { small, server } = scene;
  const large: VmDocument = scene.large;
  const broken = {
    ...large,
    spec: { ...large.spec, cpu: { count: 2, policy: 'dedicated', model: 'NoSuchModel' } },
  } as const;
  for (let round = 0; round < 3; round++) {
    const begun = await scene.change(broken);
    const last = await server.crashWhen(begun, ({ state }) => state !== 'running');
    assert.equal(last.state, 'undone', JSON.stringify(last));
    await scene.ended(small, broken, last);
  }
});
