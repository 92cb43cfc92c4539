import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labSkip } from '../../lab/lab-host.ts';
import { CrashScene } from './crash-scene.ts';

const skip = await labSkip();

// The other steps and moments: crash.long.test.ts.
test(
  'killed before a definition is written, the change is carried to its end',
  { skip },
  async () => {
    await using scene = await CrashScene.open({ isRunning: true });
    const { server, small, large } = scene;
    const begun = await scene.change(large);
    const before = begun.steps.indexOf('write its definition');
    assert.ok(before > 0, begun.steps.join());
    const last = await server.crashAfter(begun, before);
    assert.equal(last.state, 'done', JSON.stringify(last.error));
    await scene.ended(small, large, last);
  },
);
