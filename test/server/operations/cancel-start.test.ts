import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { OWNER } from '../../../src/server/access/caller.ts';
import { dedicatedVm, Pair } from '../simulation/pair.ts';

test('a start is cancelled until the guest is being started, and not after', async () => {
  const pair = await Pair.start();
  const { a, b, host } = pair;
  const stateOf = async (): Promise<string | undefined> => {
    await pair.settle();
    return b.fleet.find('v')?.record.state;
  };
  await pair.end(a, a.services.vms.createVm(dedicatedVm('v', 1, {}), false, OWNER));
  await pair.settle();

  host.stall(3000);
  const early = await pair.until(a.services.vms.act('v', 'start', false));
  await pair.until(a.services.operations.cancel(early.id));
  assert.equal((await pair.ended(a, early.id)).state, 'undone');
  assert.equal(await stateOf(), 'shutoff');

  const late = await pair.until(a.services.vms.act('v', 'start', false));
  await pair.reached(a, late.id, ({ done }) => done === 1);
  host.stall(3000);
  await assert.rejects(pair.until(b.services.operations.cancel(late.id)), (error) =>
    isBerthError(error, 'BERTH_CONFLICT'),
  );
  assert.equal((await pair.ended(a, late.id)).state, 'done');
  assert.equal(await stateOf(), 'running');
});
