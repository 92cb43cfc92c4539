import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { Store } from '../../../src/store/store.ts';
import { labHost, labSkip } from '../../lab/lab-host.ts';
import { relay, socketOf } from '../relay.ts';
import { done, startRig, tinyVm, until } from '../rig.ts';
import type { Rig } from '../rig.ts';

const skip = await labSkip();

function virsh({ lab }: Rig, ...words: readonly string[]): string {
  return execFileSync('virsh', ['-c', lab.uri, ...words]).toString();
}

function define(rig: Rig, name: string): void {
  const file = join(rig.home, 'domain.xml');
  const os = `<os><type arch='x86_64'>hvm</type></os>`;
  const memory = `<memory unit='MiB'>32</memory>`;
  writeFileSync(file, `<domain type='qemu'><name>${name}</name>${memory}${os}</domain>`);
  virsh(rig, 'define', file);
}

test(
  'a host that nothing of Berth’s is on is forgotten, and its domains stay',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    define(rig, 'foreign');
    try {
      await until('the foreign domain seen', async () => (await client.vms()).length === 1);
      const gone = await client.removeHost('h1');
      assert.deepEqual(gone, { name: 'h1', uri: lab.uri, vms: ['foreign'] });
      assert.deepEqual([await client.hosts(), await client.vms()], [[], []]);
      await assert.rejects(client.removeHost('h1'), (error) =>
        isBerthError(error, 'BERTH_NOT_FOUND'),
      );
      await rig.restart();
      assert.deepEqual(await client.hosts(), []);
      assert.match(virsh(rig, 'list', '--all', '--name'), /foreign/);
      await client.addHost({ name: 'other', uri: lab.uri });
      assert.deepEqual(
        (await client.vms()).map(({ name, host }) => [name, host]),
        [['foreign', 'other']],
      );
    } finally {
      virsh(rig, 'undefine', 'foreign');
    }
  },
);

test(
  'a host with VMs of Berth’s is kept, but with force; added again they are known again',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    await done(client, await client.createVm(tinyVm(lab, 'kept'), { start: true }));
    const before = await client.vm('kept');
    await assert.rejects(
      client.removeHost('h1'),
      (error) => isBerthError(error, 'BERTH_CONFLICT') && /kept/.test(error.message),
    );
    assert.equal((await client.vm('kept')).state, 'running', 'a refusal disturbs nothing');
    assert.deepEqual((await client.removeHost('h1', { force: true })).vms, ['kept']);
    assert.deepEqual(await client.vms(), []);
    assert.match(virsh(rig, 'domstate', 'kept'), /running/);
    await client.addHost({ name: 'h1', uri: lab.uri });
    const after = await client.vm('kept');
    assert.deepEqual([after.uuid, after.placement], [before.uuid, before.placement]);
  },
);

test(
  'a host that an operation works on is kept; with force the operation fails and ends',
  { skip },
  async () => {
    const lab = await labHost();
    const line = await relay(socketOf(lab.uri), join(lab.dir, 'remove-relay.sock'));
    const uri = `qemu:///system?socket=${join(lab.dir, 'remove-relay.sock')}`;
    await using rig = await startRig({ uri });
    const { client } = rig;
    await done(client, await client.createVm(tinyVm(lab, 'held'), { start: false }));
    line.freeze();
    const start = await client.act('held', 'start');
    await assert.rejects(
      client.removeHost('h1'),
      (error) => isBerthError(error, 'BERTH_BUSY') && error.message.includes(start.id),
    );
    await client.removeHost('h1', { force: true });
    const last = await client.wait(start, () => {});
    assert.ok(last.state === 'failed' || last.state === 'undone', last.state);
    assert.equal(last.waitsFor, undefined);
    await client.addHost({ name: 'h1', uri: lab.uri });
    await done(client, await client.act('held', 'start'));
    await line.cut();
  },
);

test(
  'an operation that waits for a host that never comes back ends when that is forgotten',
  { skip },
  async () => {
    const lab = await labHost();
    const line = await relay(socketOf(lab.uri), join(lab.dir, 'lost-relay.sock'));
    const uri = `qemu:///system?socket=${join(lab.dir, 'lost-relay.sock')}`;
    await using rig = await startRig({ uri });
    const { client } = rig;
    line.freezeAt('<name>stuck</name>');
    const create = await client.createVm(tinyVm(lab, 'stuck'), { start: true });
    try {
      await until('the domain defined', async () => virsh(rig, 'list', '--all').includes('stuck'));
      await line.cut();
      // Nobody has heard of the domain, so it is taken back, and that waits for the host.
      const waiting = await client.wait(create, () => {});
      assert.deepEqual([waiting.state, waiting.waitsFor === undefined], ['running', false]);
      await assert.rejects(client.removeHost('h1'), (error) => isBerthError(error, 'BERTH_BUSY'));
      await client.removeHost('h1', { force: true });
      await until('its end', async () => (await client.operations())[0]?.state !== 'running');
      const [last] = await client.operations();
      assert.equal(last?.state, 'failed');
      assert.match(last?.leftOver?.join() ?? '', /define the domain: no host named "h1"/);
    } finally {
      virsh(rig, 'undefine', 'stuck');
    }
  },
);

test('a host that is away can be forgotten, and is not tried any more', { skip }, async () => {
  const lab = await labHost();
  const line = await relay(socketOf(lab.uri), join(lab.dir, 'away-relay.sock'));
  const uri = `qemu:///system?socket=${join(lab.dir, 'away-relay.sock')}`;
  await using rig = await startRig({ uri });
  const { client } = rig;
  for (let round = 1; round <= 3; round++) {
    await line.cut();
    await until('the host unreachable', async () =>
      (await client.hosts()).every(({ state }) => state === 'unreachable'),
    );
    await client.removeHost('h1');
    await line.listen();
    await client.addHost({ name: 'h1', uri });
    assert.equal(line.count.connections, round + 1, 'only the new one has connected');
  }
  await client.removeHost('h1');
  await line.cut();
});

test(
  'creating, removing and adding at once: every VM that was made is there, and no claim stays',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const names = Array.from({ length: 6 }, (_, index) => `race${index}`);
    const creating = names.map(async (name) => {
      const document = tinyVm(lab, name, { memory: { size: '32MiB' } });
      return client.wait(await client.createVm(document, { start: false }), () => {});
    });
    const changing = [false, true, false, true, false].map(async (force) => {
      const removed = await client.removeHost('h1', { force }).catch((error: unknown) => error);
      if (removed instanceof Error) {
        const codes = ['BERTH_BUSY', 'BERTH_CONFLICT', 'BERTH_NOT_FOUND'];
        assert.ok(isBerthError(removed) && codes.includes(removed.code), String(removed));
      }
      await client.addHost({ name: 'h1', uri: lab.uri });
    });
    const ended = await Promise.all(creating);
    await Promise.all(changing);
    const there = virsh(rig, 'list', '--all', '--name').split('\n').filter(Boolean).toSorted();
    const made = names.filter((_, index) => ended[index]?.state === 'done');
    for (const name of made) assert.ok(there.includes(name), `${name} was said to be made`);
    for (const [index, { state, leftOver = [] }] of ended.entries()) {
      const isLeft = there.includes(names[index] ?? '') && state !== 'done';
      assert.ok(!isLeft || leftOver.length > 0, `what is left of ${names[index]} is told`);
    }
    assert.deepEqual((await client.vms()).map(({ name }) => name).toSorted(), there);
    await rig.restart(async (home) => {
      await using store = await Store.open(join(home, 'store.sqlite'));
      assert.deepEqual(await store.claims.list(), []);
      assert.deepEqual(await store.operations.unfinished(), []);
    });
  },
);
