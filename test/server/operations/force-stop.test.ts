import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OWNER } from '../../../src/server/access/caller.ts';
import { dedicatedVm, Pair } from '../simulation/pair.ts';

test('the plug is pulled at one server while another waits for the guest', async () => {
  const pair = await Pair.start();
  const { a, b } = pair;
  await pair.end(a, a.services.vms.createVm(dedicatedVm('v', 1, {}), true, OWNER));
  await pair.settle();
  // Paused, it cannot hear that it shall shut down.
  await pair.end(a, a.services.vms.act('v', 'pause', false));
  await pair.settle();
  const { id } = await pair.until(a.services.vms.act('v', 'stop', false));
  await pair.pass(500);
  assert.equal((await pair.until(a.services.operations.operation(id))).record.state, 'running');
  const forced = await pair.end(b, b.services.vms.act('v', 'stop', true));
  assert.equal(forced.state, 'done');
  assert.equal((await pair.ended(a, id)).state, 'done');
});
