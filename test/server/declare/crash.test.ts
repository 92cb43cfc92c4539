import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OperationView } from '../../../src/api/resources.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { done, startRig, tinyVm } from '../rig.ts';
import type { Rig } from '../rig.ts';

const skip = await labSkip();

/** Ends the server as soon as so many steps are done, and follows the operation in the next one. */
async function interruptedAfter(
  rig: Rig,
  begun: OperationView,
  steps: number,
): Promise<OperationView> {
  const { client } = rig;
  const watching = new AbortController();
  const watch = (operation: OperationView): void => {
    if (operation.done >= steps) watching.abort();
  };
  await client.wait(begun, watch, watching.signal).catch(() => undefined);
  await rig.restart();
  const found = (await client.operations()).find(({ id }) => id === begun.id);
  assert.ok(found, 'the journal knows the operation');
  return client.wait(found, () => {});
}

test(
  'interrupted within any step of a change, the next server carries it to its end',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const sized = (vcpus: number, disks: readonly string[]) =>
      tinyVm(lab, 'steps', {
        cpu: { count: vcpus, policy: 'dedicated' },
        memory: { size: '64MiB' },
        disks: disks.map((name) => ({ name, size: '4MiB' })),
      });
    await done(client, await client.createVm(sized(1, ['root']), { start: true }));
    const steps = 9;
    for (let after = 0; after < steps; after++) {
      const document = after % 2 === 0 ? sized(2, ['data']) : sized(1, ['root']);
      const begun = await client
        .updateVm(document, { restart: true, force: true })
        .catch((e: unknown) => {
          console.error('DEBUG', e);
          throw e;
        });
      assert.equal(begun.steps.length, steps);
      const last = await interruptedAfter(rig, begun, after);
      assert.equal(last.state, 'done', JSON.stringify(last.error));
      const vm = await client.vm('steps');
      assert.equal(vm.state, 'running');
      assert.deepEqual(vm.drift, []);
      assert.equal(vm.placement?.vcpus.length, after % 2 === 0 ? 2 : 1);
      const { seats } = await client.host('h1');
      assert.deepEqual(
        seats.map((seat) => [seat.vm, seat.dedicated.length]),
        [['steps', after % 2 === 0 ? 2 : 1]],
      );
    }
  },
);
