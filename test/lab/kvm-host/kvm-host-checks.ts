import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kvmHostTopology } from '../../../src/lab/kvm-host/kvm-machine.ts';
import type { KvmHost } from '../../../src/lab/kvm-host/kvm-host.ts';
import { topologyProblems, type Cell } from '../../../src/model/topology.ts';
import { inGuest, kvmGuestXml, observed, onHost, virshOn, withGuest } from './kvm-test-host.ts';

/** The kernel keeps some of each cell's memory for itself, on one cell more than on others. */
const USABLE_MEMORY = 0.8;
/** 128 MiB of 2 MiB pages. */
const GUEST_PAGES = 64;

/** Tests of what every KVM host must be able to do, whatever release it is of. */
export function checkKvmHost(host: () => KvmHost): void {
  test('its cells, processors, devices and distances are those of its description', async () => {
    const seen = await observed(host());
    assert.deepEqual(topologyProblems(seen), []);
    assert.deepEqual(seen.cells.map(facts), kvmHostTopology().cells.map(facts));
    for (const [id, cell] of kvmHostTopology().cells.entries()) {
      const share = (seen.cells[id]?.memoryBytes ?? 0) / cell.memoryBytes;
      assert.ok(share > USABLE_MEMORY && share <= 1, `cell ${id} has ${share} of its memory`);
    }
  });

  test('a guest runs by KVM and has the processor of its host', async () => {
    const model = await onHost(host(), 'grep -m1 "^model name" /proc/cpuinfo');
    await withGuest(host(), kvmGuestXml(host(), 'passed'), async (name) => {
      assert.equal(await inGuest(host(), name, 'grep -m1 "^model name" /proc/cpuinfo'), model);
      const status = await virshOn(host(), 'qemu-monitor-command', name, '--hmp', 'info kvm');
      assert.match(status, /enabled/);
    });
  });

  test('AppArmor confines each guest by a profile of its own', async () => {
    assert.equal(await onHost(host(), 'cat /sys/module/apparmor/parameters/enabled'), 'Y');
    await withGuest(host(), kvmGuestXml(host(), 'confined'), async (name) => {
      const uuid = await virshOn(host(), 'domuuid', name);
      const profile = await onHost(
        host(),
        `cat /proc/$(cat /run/libvirt/qemu/${name}.pid)/attr/current`,
      );
      assert.equal(profile, `libvirt-${uuid} (enforce)`);
    });
  });

  test('a guest on cell 1 with 2 MiB pages has its memory there', async () => {
    const pages = ['--pagesize', '2048', '--pagecount', `${GUEST_PAGES * 2}`, '--cellno', '1'];
    await virshOn(host(), 'allocpages', ...pages);
    const pools = (await observed(host())).cells.map(({ pages }) =>
      pages.flatMap(({ sizeKiB, total }) => (sizeKiB === 2048 ? [total] : [])),
    );
    assert.deepEqual(pools, [[0], [GUEST_PAGES * 2], [0], [0]]);
    const head = `<memoryBacking><hugepages/></memoryBacking>
<cputune><vcpupin vcpu='0' cpuset='2'/><vcpupin vcpu='1' cpuset='3'/></cputune>
<numatune><memory mode='strict' nodeset='1'/></numatune>`;
    const xml = kvmGuestXml(host(), 'placed', { head, devices: '' });
    await withGuest(host(), xml, async (name) => {
      assert.equal(await inGuest(host(), name, 'nproc'), '2');
      const maps = await onHost(
        host(),
        `grep kernelpagesize_kB=2048 /proc/$(cat /run/libvirt/qemu/${name}.pid)/numa_maps`,
      );
      const ram = maps.split('\n').find((line) => line.includes('bind:1'));
      assert.match(ram ?? maps, / N1=\d+ kernelpagesize_kB=2048/);
      assert.doesNotMatch(ram ?? maps, / N[023]=/);
      const cpus = await virshOn(host(), 'vcpuinfo', name);
      assert.deepEqual(
        [...cpus.matchAll(/^CPU: +(\d)/gm)].map(([, cpu]) => cpu),
        ['2', '3'],
      );
    });
  });
}

/** What a kernel numbers the groups of a shared cache by is its own affair. */
function facts({ id, distances, cpus, pages, pci }: Cell): object {
  const groups = [...new Set(cpus.map(({ l3 }) => l3))];
  return {
    id,
    distances,
    cpus: cpus.map((cpu) => ({ ...cpu, l3: groups.indexOf(cpu.l3) })),
    pages: pages.map(({ sizeKiB }) => sizeKiB),
    pci: pci.toSorted((a, b) => (a.address < b.address ? -1 : 1)),
  };
}
