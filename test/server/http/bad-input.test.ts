import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { Client } from '../../../src/api/client.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { labSkip } from '../../lab/lab-host.ts';
import { askConsole } from './ask-console.ts';
import { done, startRig, tinyVm } from '../rig.ts';

const skip = await labSkip();

test('wrong specs are refused before anything is made', { skip }, async () => {
  await using rig = await startRig();
  const { client, lab } = rig;
  const cases: readonly (readonly [spec: Partial<VmDocument['spec']>, code: ErrorCode])[] = [
    [{ memory: { size: '0MiB' } }, 'BERTH_SPEC_INVALID'],
    [{ memory: { size: '3KiB' } }, 'BERTH_SPEC_INVALID'],
    [{ cpu: { count: 0 } }, 'BERTH_SPEC_INVALID'],
    [{ placement: { hosts: ['nowhere'] } }, 'BERTH_NOT_FOUND'],
    [{ numa: { policy: 'preferred', nodeset: '0-1' } }, 'BERTH_SPEC_INVALID'],
  ];
  for (const [spec, code] of cases) {
    await assert.rejects(client.plan(tinyVm(lab, 'bad', spec)), (error) =>
      isBerthError(error, code),
    );
  }
  const named = { ...tinyVm(lab, 'x'), metadata: { name: '<b>/x' } };
  await assert.rejects(client.createVm(named, { start: false }), (error) =>
    isBerthError(error, 'BERTH_SPEC_INVALID'),
  );
  assert.deepEqual(await client.operations(), []);
});

test(
  'a CPU that the host lacks, and more than it has, are refusals that say by how much',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const absent = await client.plan(tinyVm(lab, 'absent', { cpu: { count: 1, cpuset: '900' } }));
    assert.ok(!absent.placed);
    assert.match(absent.hosts[0]?.checks[0]?.say ?? '', /900/);
    const huge = await client.plan(tinyVm(lab, 'huge', { memory: { size: '64TiB' } }));
    assert.ok(!huge.placed);
    const [check] = huge.hosts[0]?.checks ?? [];
    assert.ok(Number(check?.need) >= 64 * 1024 ** 4 && Number(check?.have) < Number(check?.need));
    assert.ok(huge.smallestChange.some((change) => change.kind === 'memory'));
  },
);

test('a missing image is not found, and nothing stays of the VM', { skip }, async () => {
  await using rig = await startRig();
  const { client, lab } = rig;
  const document = tinyVm(lab, 'noimg', { disks: [{ name: 'root', image: 'absent.qcow2' }] });
  const last = await client.wait(await client.createVm(document, { start: true }), () => {});
  assert.equal(last.state, 'undone');
  assert.equal(last.error?.code, 'BERTH_NOT_FOUND');
  assert.equal(last.error?.exit, 3);
  assert.deepEqual(await client.vms(), []);
  assert.deepEqual((await client.host('h1')).seats, []);
});

test(
  'a disk is made, seen by the guest’s definition, and goes with the VM; a foreign file stays',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const volumes = (): string =>
      execFileSync('virsh', ['-c', lab.uri, 'vol-list', 'default']).toString();
    const document = tinyVm(lab, 'disky', { disks: [{ name: 'data', size: '64MiB' }] });
    await done(client, await client.createVm(document, { start: true }));
    assert.match(volumes(), /disky\.data\.qcow2/);
    await done(client, await client.removeVm('disky', { force: true }));
    assert.doesNotMatch(volumes(), /disky\.data/);

    execFileSync('virsh', ['-c', lab.uri, 'vol-create-as', 'default', 'disky.data.qcow2', '1M']);
    const last = await client.wait(await client.createVm(document, { start: true }), () => {});
    assert.equal(last.error?.code, 'BERTH_EXISTS');
    assert.match(volumes(), /disky\.data\.qcow2/, 'a volume that was there before is not deleted');
    execFileSync('virsh', ['-c', lab.uri, 'vol-delete', 'disky.data.qcow2', 'default']);
  },
);

test(
  'a disk with an image stands on it: what the guest writes never reaches the image',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const virsh = (...args: string[]) => execFileSync('virsh', ['-c', lab.uri, ...args]).toString();
    virsh('vol-create-as', 'default', 'base.qcow2', '32M', '--format', 'qcow2');
    const image = join(lab.images.outside, 'base.qcow2');
    const before = readFileSync(image);
    const document = tinyVm(lab, 'clone', { disks: [{ name: 'root', image: 'base.qcow2' }] });
    await done(client, await client.createVm(document, { start: true }));
    await askConsole(client, 'clone', 'echo kept >/dev/vda && sync');
    assert.match(
      virsh('vol-dumpxml', 'clone.root.qcow2', 'default'),
      /<backingStore>[^]*base\.qcow2/,
    );
    assert.deepEqual(readFileSync(image), before);
    await done(client, await client.removeVm('clone', { force: true }));
    assert.deepEqual(readFileSync(image), before, 'and the image stays when the VM goes');
    virsh('vol-delete', 'base.qcow2', 'default');
  },
);

test(
  'a kernel that is not there fails the start, and everything is taken back',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const document = tinyVm(lab, 'nokernel', { boot: { kernel: '/nonexistent/vmlinuz' } });
    const last = await client.wait(await client.createVm(document, { start: true }), () => {});
    assert.equal(last.state, 'undone');
    assert.equal(last.error?.code, 'BERTH_LIBVIRT_REFUSED');
    assert.deepEqual(await client.vms(), []);
  },
);

test(
  'a name that is taken, a second operation on one VM, and a dead socket are told apart',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const document = tinyVm(lab, 'taken');
    const first = await client.createVm(document, { start: false });
    await assert.rejects(
      client.createVm(document, { start: false }),
      (error) => isBerthError(error, 'BERTH_BUSY') || isBerthError(error, 'BERTH_EXISTS'),
    );
    await done(client, first);
    await assert.rejects(client.createVm(document, { start: false }), (error) =>
      isBerthError(error, 'BERTH_EXISTS'),
    );
    await assert.rejects(
      client.addHost({ name: 'dead', uri: 'qemu:///system?socket=/nonexistent/sock' }),
      (error) => isBerthError(error, 'BERTH_HOST_UNREACHABLE') && error.exit === 5,
    );
    assert.deepEqual(
      (await client.hosts()).map((host) => host.name),
      ['h1'],
    );
    const gone = new Client({ socket: '/nonexistent/api.sock' });
    await assert.rejects(
      gone.vms(),
      (error) => isBerthError(error, 'BERTH_SERVER_UNREACHABLE') && error.exit === 5,
    );
  },
);

test(
  'a network and a bridge that are not there are not found, before anything is made',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    for (const nic of [{ network: 'absent' }, { bridge: 'br-absent' }]) {
      const document = tinyVm(lab, 'nonet', { nics: [nic] });
      const last = await client.wait(await client.createVm(document, { start: true }), () => {});
      assert.equal(last.error?.code, 'BERTH_NOT_FOUND');
      assert.equal(last.steps[last.done], 'check images, disk names and networks');
      assert.equal(last.state, 'undone');
    }
  },
);

test(
  'force ends a guest that was asked to shut down and does not; start does not pass for resume',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const deaf = { ...tinyVm(lab, 'deaf'), spec: { memory: { size: '64MiB' } } };
    await done(client, await client.createVm(deaf, { start: true }));
    const asked = await client.act('deaf', 'stop');
    await done(client, await client.act('deaf', 'stop', { force: true }));
    assert.equal((await client.vm('deaf')).state, 'shutoff');
    const ended = await client.wait(asked, () => {});
    assert.equal(ended.state, 'done', JSON.stringify(ended.error));
    await done(client, await client.act('deaf', 'start'));
    await done(client, await client.act('deaf', 'pause'));
    await assert.rejects(
      client.act('deaf', 'start'),
      (error) => isBerthError(error, 'BERTH_CONFLICT') && error.hint.endsWith('vm resume deaf'),
    );
  },
);
