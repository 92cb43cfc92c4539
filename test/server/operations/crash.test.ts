import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { labHost, labSkip } from '../../lab/lab-host.ts';
import { CrashingServer } from '../crashing-server.ts';
import { done, tinyVm } from '../rig.ts';

/** A real server process is killed with SIGKILL within every step; the next one makes it good. */

const skip = await labSkip();
let shared: CrashingServer | undefined;

after(async () => shared?.[Symbol.asyncDispose]());

/** The server of these tests, with the lab's host. */
async function crashing(): Promise<CrashingServer> {
  if (shared !== undefined) return shared;
  shared = await CrashingServer.start();
  await shared.client.addHost({ name: 'h1', uri: (await labHost()).uri });
  return shared;
}

/** No claim is left, and the ledger has a seat for each VM that exists and for no other. */
async function assertNoLeak({ client }: CrashingServer): Promise<void> {
  const { seats, vms } = await client.host('h1');
  assert.deepEqual(seats.map((seat) => seat.vm).toSorted(), vms.map((vm) => vm.name).toSorted());
}

test('killed at every step of create, the VM is whole or gone', { skip }, async () => {
  const lab = await labHost();
  const server = await crashing();
  const { client } = server;
  for (let steps = 0; steps <= 5; steps++) {
    const name = `crash${steps}`;
    const document = tinyVm(lab, name, { cpu: { count: 1, policy: 'dedicated' } });
    const begun = await client.createVm(document, { start: true });
    assert.equal(begun.steps.length, 6);
    const last = await server.crashAfter(begun, steps);
    assert.equal(last.state, 'done', JSON.stringify(last.error));
    const vm = await client.vm(name);
    assert.equal(vm.state, 'running');
    assert.deepEqual(vm.verified?.differences, []);
    await assertNoLeak(server);
    await done(client, await client.removeVm(name, { force: true }));
  }
});

test('killed at every step of remove, the VM is gone', { skip }, async () => {
  const lab = await labHost();
  const server = await crashing();
  const { client } = server;
  for (let steps = 0; steps <= 3; steps++) {
    const name = `gone${steps}`;
    const document = tinyVm(lab, name, { cpu: { count: 1, policy: 'dedicated' } });
    await done(client, await client.createVm(document, { start: true }));
    const begun = await client.removeVm(name, { force: true });
    assert.equal(begun.steps.length, 4);
    const last = await server.crashAfter(begun, steps);
    assert.equal(last.state, 'done', JSON.stringify(last.error));
    assert.deepEqual(await client.vms(), []);
    await assertNoLeak(server);
  }
});

test('killed within start and stop, the VM ends as it was asked to', { skip }, async () => {
  const lab = await labHost();
  const server = await crashing();
  const { client } = server;
  await done(client, await client.createVm(tinyVm(lab, 'turns'), { start: false }));
  for (let steps = 0; steps <= 1; steps++) {
    const started = await server.crashAfter(await client.act('turns', 'start'), steps);
    assert.equal(started.state, 'done', JSON.stringify(started.error));
    assert.equal((await client.vm('turns')).state, 'running');
    const stopped = await server.crashAfter(await client.act('turns', 'stop', { force: true }), 0);
    assert.equal(stopped.state, 'done', JSON.stringify(stopped.error));
    assert.equal((await client.vm('turns')).state, 'shutoff');
  }
  await done(client, await client.removeVm('turns', { force: true }));
  assert.deepEqual(await server.claimsAtEnd(), []);
});
