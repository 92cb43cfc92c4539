import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isBerthError } from '../../../src/base/errors.ts';
import type { ErrorCode } from '../../../src/base/errors.ts';
import type { Placement } from '../../../src/model/placement.ts';
import { Store } from '../../../src/store/store.ts';
import { labHost, labSkip } from '../../lab/lab-host.ts';
import { done, startRig, tinyVm } from '../rig.ts';
import type { Rig } from '../rig.ts';

const skip = await labSkip();

function virsh({ lab }: Rig, ...words: readonly string[]): string {
  return execFileSync('virsh', ['-c', lab.uri, ...words]).toString();
}

function define(rig: Rig, xml: string): void {
  const file = join(rig.home, 'domain.xml');
  writeFileSync(file, xml);
  virsh(rig, 'define', file);
}

test(
  'a host is registered once: not by another URI, and a bad URI is told as one',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const socket = new URL(lab.uri).searchParams.get('socket') ?? '';
    const cases: readonly (readonly [uri: string, code: ErrorCode])[] = [
      [lab.uri, 'BERTH_EXISTS'],
      [`qemu:///system?socket=${socket}&no_verify=1`, 'BERTH_EXISTS'],
      ['not a uri', 'BERTH_URI_INVALID'],
    ];
    for (const [uri, code] of cases) {
      await assert.rejects(
        client.addHost({ name: 'h2', uri }),
        (error) => isBerthError(error, code),
        uri,
      );
    }
    assert.equal((await client.hosts()).length, 1);
  },
);

test(
  'removing a VM deletes no volume but its own, whatever its metadata say',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const disks = [{ name: 'data', size: '1MiB' }];
    await done(client, await client.createVm(tinyVm(lab, 'orig', { disks }), { start: false }));
    const xml = virsh(rig, 'dumpxml', 'orig');
    define(rig, xml.replace(/<uuid>.*<\/uuid>/, '').replace('<name>orig<', '<name>clone<'));
    while ((await client.vms()).length < 2) await sleep(20);
    await done(client, await client.removeVm('clone', { force: true }));
    assert.match(virsh(rig, 'vol-list', 'default'), /orig\.data\.qcow2/);
    await done(client, await client.removeVm('orig', { force: true }));
    assert.doesNotMatch(virsh(rig, 'vol-list', 'default'), /orig\.data/);
  },
);

test('disks of VMs whose names together read the same are not shared', { skip }, async () => {
  await using rig = await startRig();
  const { client, lab } = rig;
  const make = async (name: string, disk: string) =>
    client.createVm(tinyVm(lab, name, { disks: [{ name: disk, size: '1MiB' }] }), { start: false });
  const begun = await Promise.all([make('a-b', 'c'), make('a', 'b-c')]);
  await Promise.all(begun.map(async (operation) => done(client, operation)));
  const sources = ['a-b', 'a'].map(
    (name) => /source file='([^']*)'/.exec(virsh(rig, 'dumpxml', name))?.[1],
  );
  assert.notEqual(sources[0], sources[1]);
});

test('many creates with disks at once all succeed', { skip }, async () => {
  await using rig = await startRig();
  const { client, lab } = rig;
  const disks = [
    { name: 'one', size: '1MiB' },
    { name: 'two', size: '1MiB' },
  ];
  const begun = await Promise.all(
    Array.from({ length: 8 }, async (_, index) =>
      client.createVm(tinyVm(lab, `disky${index}`, { memory: { size: '16MiB' }, disks }), {
        start: false,
      }),
    ),
  );
  await Promise.all(begun.map(async (operation) => done(client, operation)));
});

test('damaged metadata make a VM foreign, and hide neither it nor its host', { skip }, async () => {
  await using rig = await startRig();
  const { client, lab } = rig;
  await done(client, await client.createVm(tinyVm(lab, 'hurt'), { start: false }));
  const xml = virsh(rig, 'dumpxml', 'hurt');
  define(rig, xml.replace(/"memory":\[[^\]]*\]/, '"memory":[null]'));
  try {
    while ((await client.vm('hurt')).managed) await sleep(20);
    await rig.restart();
    const [host] = await client.hosts();
    assert.equal(host?.state, 'connected');
    assert.deepEqual(
      (await client.vms()).map((vm) => vm.name),
      ['hurt'],
    );
  } finally {
    virsh(rig, 'undefine', 'hurt');
  }
});

test(
  'a host that does not answer delays neither the start nor the other hosts',
  { skip },
  async () => {
    const lab = await labHost();
    const path = join(lab.dir, 'slow.sock');
    const held: Socket[] = [];
    let isSlow = false;
    const target = new URL(lab.uri).searchParams.get('socket') ?? '';
    const relay = createServer((client) => {
      held.push(client);
      client.on('error', () => {});
      if (isSlow) return;
      const daemon = connect(target);
      held.push(daemon);
      daemon.on('error', () => {});
      client.pipe(daemon).pipe(client);
    });
    await new Promise<void>((resolve) => relay.listen(path, resolve));
    try {
      await using rig = await startRig({ uri: `qemu:///system?socket=${path}` });
      isSlow = true;
      const before = Date.now();
      await rig.restart();
      assert.ok(Date.now() - before < 8000, 'less than one attempt to connect');
      const [host] = await rig.client.hosts();
      assert.equal(host?.state, 'connecting');
      await assert.rejects(rig.client.plan(tinyVm(lab, 'any')), (error) =>
        isBerthError(error, 'BERTH_HOST_UNREACHABLE'),
      );
    } finally {
      for (const socket of held) socket.destroy();
      await new Promise((resolve) => relay.close(resolve));
    }
  },
);

test(
  'a claim and an operation that were left behind keep no server from starting',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client } = rig;
    await rig.restart(async (home) => {
      await using store = await Store.open(join(home, 'store.sqlite'));
      const [host] = await store.hosts.list();
      const placement: Placement = {
        host: 'h1',
        policy: 'dedicated',
        cells: [0],
        vcpus: [{ vcpu: 0, pcpus: [1] }],
        emulator: [1],
        blocked: [],
        memory: [{ cell: 0, bytes: 1024, pageKiB: 4 }],
        guestCells: [],
        guestTopology: { sockets: 1, dies: 1, cores: 1, threads: 1 },
        overheadBytes: 0,
        reasons: [],
      };
      const claim = { vm: 'left', uuid: 'u', placement, operation: 'u' };
      assert.ok(await store.claims.take(claim, host?.generation ?? -1));
      const memory = { host: 'gone', uuid: 'v', name: 'v', force: true, volumes: [] };
      const begun = {
        vmUuid: 'v',
        state: 'running',
        done: 0,
        memory,
        revision: 1,
        startedAt: 1,
      } as const;
      const steps = ['shut the guest down'];
      await store.operations.begin({
        ...begun,
        id: 'o1',
        kind: 'stop',
        vm: 'v',
        host: 'gone',
        steps,
      });
      await store.operations.begin({ ...begun, id: 'o2', kind: 'teleport', vm: 'w', steps });
    });
    assert.deepEqual((await client.host('h1')).seats, []);
    for (const operation of await client.operations()) {
      const last = await client.wait(operation, () => {});
      assert.ok(last.state === 'undone' || last.state === 'failed', last.state);
    }
  },
);
