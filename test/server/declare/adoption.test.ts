import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { parseVmDocument } from '../../../src/api/vm-spec.ts';
import { labSkip } from '../../lab/lab-host.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import { done, startRig, until } from '../rig.ts';

const skip = await labSkip();

function virsh(lab: LabHost, ...words: readonly string[]): string {
  return execFileSync('virsh', ['-c', lab.uri, ...words]).toString();
}

/** A domain as somebody else might have made it, with a disk and another tool's metadata. */
function theirs(lab: LabHost, name: string, disk: string): string {
  return `<domain type='qemu'><name>${name}</name>
    <metadata><other:note xmlns:other='urn:other'>keep me</other:note></metadata>
    <memory unit='MiB'>96</memory><vcpu>2</vcpu>
    <cputune><shares>333</shares><vcpupin vcpu='0' cpuset='1'/></cputune>
    <os><type arch='x86_64' machine='q35'>hvm</type>
      <kernel>${lab.image.kernel}</kernel><initrd>${lab.image.initrd}</initrd>
      <cmdline>console=ttyS0 quiet</cmdline></os>
    <features><acpi/></features>
    <devices>
      <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${disk}'/>
        <target dev='vda' bus='virtio'/></disk>
      <serial type='pty'/>
    </devices></domain>`;
}

/** A volume that somebody else has made; its path. */
function makeDisk(lab: LabHost, name: string): string {
  virsh(lab, 'vol-create-as', 'default', name, '1M', '--format', 'raw');
  return virsh(lab, 'vol-path', name, 'default').trim();
}

/** A definition without the one element that Berth writes, all else byte for byte. */
function beyondMetadata(xml: string): string {
  const parts = xml.split(/^ *<berth:vm[^]*?<\/berth:vm>\n/m);
  assert.ok(parts.length <= 2, 'there is one element of Berth’s at most');
  return parts.join('');
}

test(
  'a domain that was there is managed as it is: adopted, only its labels are written',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const disk = makeDisk(lab, 'theirs.raw');
    const file = join(rig.home, 'theirs.xml');
    writeFileSync(file, theirs(lab, 'theirs', disk));
    virsh(lab, 'define', file);
    try {
      await until('the domain', async () =>
        (await client.vms()).some(({ name }) => name === 'theirs'),
      );
      const shown = await client.vm('theirs');
      assert.equal(shown.managed, false);
      assert.deepEqual(shown.beyondSpec, [
        'pins of single vCPUs',
        'shares or quotas of CPU time',
        `disk vda: what is in ${disk}`,
      ]);
      const { spec } = shown.spec as { spec: { cpu: unknown; memory: unknown } };
      assert.deepEqual(spec.cpu, { count: 2, model: 'qemu64' });
      assert.deepEqual(spec.memory, { size: '96MiB' });

      await done(client, await client.act('theirs', 'start'));
      assert.equal((await client.vm('theirs')).state, 'running');
      const before = [
        virsh(lab, 'dumpxml', '--inactive', 'theirs'),
        virsh(lab, 'dumpxml', 'theirs'),
      ];
      const seat = (await client.host('h1')).seats.find(({ vm }) => vm === 'theirs');

      await done(client, await client.adoptVm('theirs', { app: 'old' }));
      const after = [
        virsh(lab, 'dumpxml', '--inactive', 'theirs'),
        virsh(lab, 'dumpxml', 'theirs'),
      ];
      assert.deepEqual(after.map(beyondMetadata), before.map(beyondMetadata));
      assert.match(after[0] ?? '', /keep me/);
      const adopted = await client.vm('theirs');
      assert.equal(adopted.managed, true);
      assert.equal(adopted.adopted, true);
      assert.deepEqual(adopted.labels, { app: 'old' });
      const now = (await client.host('h1')).seats.find(({ vm }) => vm === 'theirs');
      assert.deepEqual(now, { ...seat, labels: { app: 'old' } });

      await done(client, await client.labelVm('theirs', { app: null, tier: 'gold' }));
      assert.deepEqual((await client.vm('theirs')).labels, { tier: 'gold' });
      await assert.rejects(client.removeVm('theirs', { force: false }), (error) =>
        isBerthError(error, 'BERTH_CONFLICT'),
      );
      await done(client, await client.removeVm('theirs', { force: true }));
      assert.deepEqual(await client.vms(), []);
      assert.match(virsh(lab, 'vol-list', 'default'), /theirs\.raw/, 'its disk stays');
    } finally {
      if (virsh(lab, 'list', '--name').includes('theirs')) virsh(lab, 'destroy', 'theirs');
      if (virsh(lab, 'list', '--all', '--name').includes('theirs'))
        virsh(lab, 'undefine', 'theirs');
      virsh(lab, 'vol-delete', 'theirs.raw', 'default');
    }
  },
);

test(
  'a domain that only runs is adopted too, and removed with --foreign alone',
  { skip },
  async () => {
    await using rig = await startRig();
    const { client, lab } = rig;
    const disk = makeDisk(lab, 'brief.raw');
    const file = join(rig.home, 'brief.xml');
    writeFileSync(file, theirs(lab, 'brief', disk));
    virsh(lab, 'create', file);
    try {
      await until('the domain', async () =>
        (await client.vms()).some(({ name }) => name === 'brief'),
      );
      await assert.rejects(client.removeVm('brief', { force: true }), (error) =>
        isBerthError(error, 'BERTH_CONFLICT'),
      );
      await done(client, await client.labelVm('brief', { app: 'x' }));
      assert.equal((await client.vm('brief')).adopted, true);
      const document = (await client.vm('brief')).spec;
      assert.equal(parseVmDocument(withoutDisks(document)).cpu.count, 2);
      await done(client, await client.removeVm('brief', { force: true, foreign: true }));
      assert.match(virsh(lab, 'vol-list', 'default'), /brief\.raw/);
    } finally {
      if (virsh(lab, 'list', '--all', '--name').includes('brief')) virsh(lab, 'destroy', 'brief');
      virsh(lab, 'vol-delete', 'brief.raw', 'default');
    }
  },
);

/** Disks of others have no image to be made from: everything else of what was understood is a document. */
function withoutDisks(document: unknown): unknown {
  const { spec, ...rest } = document as { spec: object };
  return { ...rest, spec: { ...spec, disks: [] } };
}
