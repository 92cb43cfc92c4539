import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { labHost, labSkip } from '../../lab/lab-host.ts';
import { relay, socketOf } from '../relay.ts';
import { done, startRig, tinyVm, until } from '../rig.ts';

const skip = await labSkip();
/** A keepalive answer, which may fall into any moment; a call for one VM takes more. */
const PONG_BYTES = 28;

test(
  'killing libvirtd: the VM is unknown meanwhile, never off, and known again after',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const document = tinyVm(lab, 'lives', { cpu: { count: 1, policy: 'dedicated' } });
    await done(client, await client.createVm(document, { start: true }));
    const before = await client.vm('lives');
    const pidFile = join(lab.dir, 'run', 'libvirtd.pid');
    const inner = readFileSync(pidFile, 'utf8').trim();
    execFileSync('nsenter', ['-t', `${lab.host.pid}`, '-p', '-m', 'kill', '-9', inner]);
    const states = new Set<string>();
    await until('the host connected again', async () => {
      const [vm] = await client.vms();
      states.add(vm?.state ?? 'gone');
      const [host] = await client.hosts();
      return host?.state === 'connected' && states.has('unknown') && vm?.state === 'running';
    });
    assert.deepEqual([...states].toSorted(), ['running', 'unknown']);
    const after = await client.vm('lives');
    assert.deepEqual(after.placement, before.placement);
    assert.deepEqual(after.verified?.differences, []);
  },
);

test(
  'a connection that is cut comes back, and what happened meanwhile is seen',
  { skip },
  async () => {
    const lab = await labHost();
    const path = join(lab.dir, 'cut-relay.sock');
    const line = await relay(socketOf(lab.uri), path);
    await using rig = await startRig({ uri: `qemu:///system?socket=${path}` });
    await line.cut();
    await until('the host unreachable', async () =>
      (await rig.client.hosts()).some((host) => host.state === 'unreachable'),
    );
    const xml = join(rig.home, 'd.xml');
    writeFileSync(
      xml,
      `<domain type='qemu'><name>meanwhile</name><memory unit='MiB'>32</memory>
    <os><type arch='x86_64'>hvm</type></os></domain>`,
    );
    execFileSync('virsh', ['-c', lab.uri, 'define', xml]);
    try {
      await line.listen();
      await until('the domain seen on the host that came back', async () =>
        (await rig.client.vms()).some((vm) => vm.name === 'meanwhile'),
      );
    } finally {
      execFileSync('virsh', ['-c', lab.uri, 'undefine', 'meanwhile']);
      await line.cut();
    }
  },
);

test('listing 100 VMs asks libvirt no more than listing none', { skip }, async () => {
  const lab = await labHost();
  const path = join(lab.dir, 'count-relay.sock');
  const line = await relay(socketOf(lab.uri), path);
  await using rig = await startRig({ uri: `qemu:///system?socket=${path}` });
  const names = Array.from({ length: 100 }, (_, index) => `many${index}`);
  const commands = names.map((name) => {
    const file = join(rig.home, `${name}.xml`);
    writeFileSync(
      file,
      `<domain type='qemu'><name>${name}</name><memory unit='MiB'>32</memory>
      <os><type arch='x86_64'>hvm</type></os></domain>`,
    );
    return `define ${file}`;
  });
  execFileSync('virsh', ['-c', lab.uri, commands.join('; ')]);
  try {
    const listed = async () => (await rig.client.vms()).length;
    await until('all of them seen', async () => (await listed()) === 100);
    let asked = -1;
    await until('an end of what the last events asked for', async () => {
      const isQuiet = asked === line.count.bytes;
      asked = line.count.bytes;
      return isQuiet;
    });
    const before = line.count.bytes;
    assert.equal(await listed(), 100);
    assert.ok(line.count.bytes - before <= PONG_BYTES, 'nothing but the answer to a ping');
  } finally {
    execFileSync('virsh', ['-c', lab.uri, names.map((name) => `undefine ${name}`).join('; ')]);
    await line.cut();
  }
});

test(
  'a server that was ended and started again knows its hosts, VMs and operations',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    await done(client, await client.createVm(tinyVm(lab, 'stays'), { start: true }));
    const before = await client.vm('stays');
    await rig.restart();
    const after = await client.vm('stays');
    assert.deepEqual(after.placement, before.placement);
    assert.equal(after.state, 'running');
    assert.deepEqual(
      (await client.operations()).map((each) => each.kind),
      ['create'],
    );
  },
);
