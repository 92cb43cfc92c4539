import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Client } from '../../../src/api/client.ts';
import type { OperationView } from '../../../src/api/resources.ts';
import { labHost, labSkip } from '../../lab/lab-host.ts';
import { done, tinyVm } from '../rig.ts';

/** A real server process is killed with SIGKILL within every step; the next one makes it good. */

const skip = await labSkip();
const home = mkdtempSync(join(tmpdir(), 'berth-crash-'));
const client = new Client({ socket: join(home, 'run', 'api.sock') });
let server: ChildProcess | undefined;

after(async () => {
  await kill();
  rmSync(home, { recursive: true });
});

async function start(): Promise<void> {
  server = spawn(process.execPath, ['src/main/berth.mjs', 'serve'], {
    env: { ...process.env, BERTH_HOME: home },
    stdio: 'ignore',
  });
  await client.ready(20_000);
}

async function kill(): Promise<void> {
  const child = server;
  server = undefined;
  if (child === undefined || child.exitCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Kills the server as soon as `steps` steps of the operation are done, and starts it again. */
async function crashAfter(begun: OperationView, steps: number): Promise<OperationView> {
  const watching = new AbortController();
  await client
    .wait(
      begun,
      (operation) => {
        if (operation.done >= steps) watching.abort();
      },
      watching.signal,
    )
    .catch(() => undefined);
  await kill();
  await start();
  const operations = await client.operations();
  const found = operations.find((operation) => operation.id === begun.id);
  assert.ok(found, 'the journal knows the operation');
  return client.wait(found, () => {});
}

/** No claim is left, and the ledger has a seat for each VM that exists and for no other. */
async function assertNoLeak(): Promise<void> {
  const { seats, vms } = await client.host('h1');
  assert.deepEqual(seats.map((seat) => seat.vm).toSorted(), vms.map((vm) => vm.name).toSorted());
}

test('killed at every step of create, the VM is whole or gone', { skip }, async () => {
  const lab = await labHost();
  await start();
  await client.addHost({ name: 'h1', uri: lab.uri });
  for (let steps = 0; steps <= 5; steps++) {
    const name = `crash${steps}`;
    const document = tinyVm(lab, name, { cpu: { count: 1, policy: 'dedicated' } });
    const begun = await client.createVm(document, { start: true });
    assert.equal(begun.steps.length, 6);
    const last = await crashAfter(begun, steps);
    assert.equal(last.state, 'done', JSON.stringify(last.error));
    const vm = await client.vm(name);
    assert.equal(vm.state, 'running');
    assert.deepEqual(vm.verified?.differences, []);
    await assertNoLeak();
    await done(client, await client.removeVm(name, { force: true }));
  }
});

test('killed at every step of remove, the VM is gone', { skip }, async () => {
  const lab = await labHost();
  for (let steps = 0; steps <= 3; steps++) {
    const name = `gone${steps}`;
    const document = tinyVm(lab, name, { cpu: { count: 1, policy: 'dedicated' } });
    await done(client, await client.createVm(document, { start: true }));
    const begun = await client.removeVm(name, { force: true });
    assert.equal(begun.steps.length, 4);
    const last = await crashAfter(begun, steps);
    assert.equal(last.state, 'done', JSON.stringify(last.error));
    assert.deepEqual(await client.vms(), []);
    await assertNoLeak();
  }
});

test('killed within start and stop, the VM ends as it was asked to', { skip }, async () => {
  const lab = await labHost();
  await done(client, await client.createVm(tinyVm(lab, 'turns'), { start: false }));
  for (let steps = 0; steps <= 1; steps++) {
    const started = await crashAfter(await client.act('turns', 'start'), steps);
    assert.equal(started.state, 'done', JSON.stringify(started.error));
    assert.equal((await client.vm('turns')).state, 'running');
    const stopped = await crashAfter(await client.act('turns', 'stop', { force: true }), 0);
    assert.equal(stopped.state, 'done', JSON.stringify(stopped.error));
    assert.equal((await client.vm('turns')).state, 'shutoff');
  }
  await done(client, await client.removeVm('turns', { force: true }));
});
