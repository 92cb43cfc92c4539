import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostLink } from '../../src/host/host-link.ts';
import { readFixture } from '../../src/host/observe.ts';
import { readHostStats } from '../../src/host/stats.ts';
import { domainCreateXml, domainDestroyFlags } from '../../src/libvirt/index.ts';
import { labHost, labSkip } from '../lab/lab-host.ts';
import type { LabHost } from '../lab/lab-host.ts';

const WAIT = { deadlineMs: 20_000 };

test(
  'the figures of a real host and its running guest are read in one go',
  { skip: await labSkip() },
  async () => {
    const lab = await labHost();
    const address = { name: 'h1', uri: lab.uri, environment: { uid: 0 } };
    await using link = await HostLink.open(address, WAIT);
    const fixture = await readFixture(link, WAIT);
    await writeFile(join(lab.images.outside, 'stats.raw'), Buffer.alloc(1 << 20), { mode: 0o666 });
    const xmlDesc = guestXml(lab);
    const { dom } = await link.call(domainCreateXml, { xmlDesc, flags: 0 }, WAIT);
    try {
      const first = await readHostStats(link, fixture, WAIT);
      await sleep(1000);
      const second = await readHostStats(link, fixture, WAIT);

      const [vm] = second.vms;
      assert.equal(vm?.name, 'stats');
      assert.equal(vm.state, 'running');
      assert.ok((vm.cpuSeconds ?? 0) > (first.vms[0]?.cpuSeconds ?? 0), 'the guest boots');
      assert.deepEqual(
        vm.vcpus.map(({ id }) => id),
        [0, 1],
      );
      assert.ok(vm.vcpus.every(({ delaySeconds }) => delaySeconds !== undefined));
      assert.equal(vm.disks[0]?.capacityBytes, 1 << 20);
      assert.equal(vm.nics.length, 1);
      assert.equal(vm.memory.maximumBytes, 128 * 1024 ** 2);

      const { idle = 0, user = 0 } = second.cpuSeconds;
      assert.ok(idle > 0 && user > 0);
      assert.ok((second.memoryBytes['total'] ?? 0) > (second.memoryBytes['free'] ?? 0));
      assert.deepEqual(
        second.cells.map(({ cell }) => cell),
        [...fixture.cellIds],
      );
      assert.ok(second.pages.length >= fixture.cellIds.length);
    } finally {
      await link.call(domainDestroyFlags, { dom, flags: 0 }, WAIT);
    }
  },
);

function guestXml({ image, images }: LabHost): string {
  return `<domain type='qemu'>
    <name>stats</name>
    <memory unit='MiB'>128</memory>
    <vcpu>2</vcpu>
    <os>
      <type arch='x86_64' machine='pc'>hvm</type>
      <kernel>${image.kernel}</kernel>
      <initrd>${image.initrd}</initrd>
    </os>
    <devices>
      <disk type='file' device='disk'>
        <driver name='qemu' type='raw'/>
        <source file='${images.inside}/stats.raw'/>
        <target dev='vda' bus='virtio'/>
      </disk>
      <interface type='ethernet'><model type='virtio'/></interface>
    </devices>
  </domain>`;
}
