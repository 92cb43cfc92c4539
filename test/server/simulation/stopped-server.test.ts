import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OWNER } from '../../../src/server/access/caller.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import { bookProblems } from './books.ts';
import { dedicatedVm, Pair } from './pair.ts';
import type { SimulatedServer } from './simulated-server.ts';

/** Long enough that another server has taken over what one that is stopped was doing. */
const TAKEN_OVER_MS = 12_000;
const STOPPED_MS = 20_000;
const UPDATE = { restart: false, force: false, caller: OWNER };
const DISKS = { disks: [{ name: 'root', size: '1GiB' }] };

test('a server that was stopped amid a removal does nothing to the next VM of that name', async () => {
  await stoppedAtEachStep(async ({ services }) => services.vms.removeVm('v', false));
});

test('a server that was stopped amid a change does nothing to the VM that another has changed', async () => {
  await stoppedAtEachStep(async ({ services }, { host }) => {
    const larger = dedicatedVm('v', 2, { host: host.name, ...DISKS });
    return services.declare.update('v', larger, UPDATE);
  });
});

/** Stops a server in each step of what it does with the VM `v`, and lets another one go on. */
async function stoppedAtEachStep(
  begin: (server: SimulatedServer, pair: Pair) => Promise<OperationRecord>,
): Promise<void> {
  for (let step = 0, steps = 1; step < steps; step++) {
    const pair = await Pair.start();
    const { a, b, host, world } = pair;
    const v = dedicatedVm('v', 1, { host: host.name, ...DISKS });
    await pair.end(a, a.services.vms.createVm(v, false, OWNER));
    await pair.settle();
    const began = await pair.until(begin(a, pair));
    steps = began.steps.length;
    await pair.reached(a, began.id, ({ done }) => done >= step);
    a.halt(STOPPED_MS);
    await pair.pass(TAKEN_OVER_MS);
    assert.equal((await pair.ended(b, began.id)).state, 'done', `stopped at step ${step}`);
    if (began.kind === 'remove') await pair.end(b, b.services.vms.createVm(v, false, OWNER));
    await pair.pass(STOPPED_MS);
    assert.deepEqual(world.witness.problems, []);
    assert.deepEqual(world.defects, []);
    assert.deepEqual(await bookProblems(world), []);
    assert.ok(host.pool.names.includes('v.root.qcow2'), `stopped at step ${step}`);
  }
}
