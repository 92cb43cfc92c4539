import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isBerthError } from '../../../src/base/errors.ts';
import { lookAtKvmHost, stopKvmHost, type KvmHost } from '../../../src/lab/kvm-host/kvm-host.ts';
import { until } from '../tiny-guest.ts';
import { checkKvmHost } from './kvm-host-checks.ts';
import {
  dropHost,
  hostFolder,
  kvmGuestXml,
  kvmHostSkip,
  onHost,
  startTestHost,
  virshOn,
  withGuest,
} from './kvm-test-host.ts';

/** Where the spare NIC of cell 1 is, and the disk controller with SR-IOV. */
const SPARE_NIC = '0000:22:00.0';
const SRIOV = '0000:41:00.0';

describe('a KVM host of Debian 12', { skip: await kvmHostSkip() }, () => {
  let dir = '';
  let host: KvmHost;

  before(async () => {
    dir = await hostFolder();
    host = await startTestHost({ dir, release: 'bookworm' });
  });

  after(async () => dropHost(dir));

  test('runs the libvirt of its release as a service of systemd', async () => {
    assert.match(await virshOn(host, 'version', '--daemon'), /daemon: 9\.0\./);
    assert.equal(await onHost(host, 'systemctl is-active libvirtd.service'), 'active');
    assert.equal(await onHost(host, 'cat /proc/1/comm'), 'systemd');
  });

  checkKvmHost(() => host);

  test('its bridges filter VLANs, and NICs carry tagged ones', async () => {
    const vlans = await onHost(
      host,
      `ip link add vlans type bridge vlan_filtering 1
ip link set nic2 master vlans
bridge vlan add vid 100 dev nic2
ip link add link vlans name vlans.7 type vlan id 7
bridge -j vlan show dev nic2
ip -d link show vlans.7 | grep -o '802.1Q id 7'
ip link del vlans`,
    );
    assert.match(vlans, /"vlan":100/);
    assert.match(vlans, /802\.1Q id 7/);
  });

  test('a managed device is bound to VFIO for its guest, and given back', async () => {
    const driver = `basename $(readlink /sys/bus/pci/devices/${SPARE_NIC}/driver)`;
    assert.equal(await onHost(host, driver), 'e1000e');
    const group = await onHost(host, `ls /sys/bus/pci/devices/${SPARE_NIC}/iommu_group/devices`);
    assert.equal(group, SPARE_NIC, 'it is alone in its IOMMU group');
    const devices = `<hostdev mode='subsystem' type='pci' managed='yes'>
<source><address domain='0' bus='0x22' slot='0' function='0'/></source></hostdev>`;
    await withGuest(host, kvmGuestXml(host, 'with-nic', { head: '', devices }), async () => {
      assert.equal(await onHost(host, driver), 'vfio-pci');
    });
    assert.equal(await onHost(host, driver), 'e1000e');
  });

  test('a controller makes virtual functions, each in an IOMMU group of its own', async () => {
    const device = `/sys/bus/pci/devices/${SRIOV}`;
    assert.equal(await onHost(host, `cat ${device}/sriov_totalvfs`), '4');
    await onHost(host, `echo 2 >${device}/sriov_numvfs`);
    const groups = await onHost(
      host,
      `for f in ${device} ${device}/virtfn*; do readlink $f/iommu_group; done | sort -u | wc -l`,
    );
    assert.equal(groups, '3');
    const name = `pci_${SRIOV.replaceAll(/[:.]/g, '_')}`;
    const xml = await virshOn(host, 'nodedev-dumpxml', name);
    assert.match(xml, /<capability type='virt_functions' maxCount='4'>/);
    assert.equal([...xml.matchAll(/<address domain='0x0000' bus='0x41'/g)].length, 3);
    await onHost(host, `echo 0 >${device}/sriov_numvfs`);
  });

  test('is found again by its folder', async () => {
    assert.equal((await lookAtKvmHost(dir))?.pid, host.pid);
  });

  test('starts again as new, with the same UUID', async () => {
    const uuid = async (): Promise<string | undefined> =>
      /<uuid>(.+)<\/uuid>/.exec(await virshOn(host, 'capabilities'))?.[1];
    const uuidBefore = await uuid();
    await onHost(host, 'touch /root/left-behind');
    await host.stop();
    assert.deepEqual(await processesOf(dir), []);
    assert.equal(await lookAtKvmHost(dir), undefined);
    host = await startTestHost({ dir, release: 'bookworm' });
    assert.equal(await onHost(host, 'find /root -name left-behind'), '');
    assert.equal(await uuid(), uuidBefore);
    const clock = Number(await onHost(host, 'date +%s')) - Date.now() / 1000;
    assert.ok(Math.abs(clock) < 30, `the clock is ${clock} s off`);
  });
});

describe('the start of a KVM host', { skip: await kvmHostSkip() }, () => {
  test('leaves nothing behind when it is aborted', async () => {
    for (const step of ['restoring', 'identity', 'libvirtd']) {
      const dir = await hostFolder();
      const aborter = new AbortController();
      const start = startTestHost({
        dir,
        release: 'bookworm',
        signal: aborter.signal,
        progress: (at) => at === step && aborter.abort(),
      });
      await assert.rejects(start, (error) => isBerthError(error, 'BERTH_INTERRUPTED'));
      assert.deepEqual(await processesOf(dir), []);
      assert.deepEqual(await stateIn(dir), []);
      await dropHost(dir);
    }
  });

  test('leaves only files when its starter is killed, which a stop removes', async () => {
    for (const step of ['restoring', 'identity', 'libvirtd']) {
      const dir = await hostFolder();
      const script = fileURLToPath(new URL('start-kvm-host.ts', import.meta.url));
      const starter = spawn(process.execPath, [script, dir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      starter.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
      await until(`the step ${step}`, 600_000, async () => said.includes(step));
      starter.kill('SIGKILL');
      await once(starter, 'exit');
      await until('the end of its processes', 30_000, async () => {
        return (await processesOf(dir)).length === 0;
      });
      assert.equal(await lookAtKvmHost(dir), undefined);
      await stopKvmHost(dir);
      assert.deepEqual(await stateIn(dir), []);
      await dropHost(dir);
    }
  });
});

/** What a folder holds that only a running host has. */
async function stateIn(dir: string): Promise<readonly string[]> {
  const names = ['vm', 'run', 'kvm-host.json'];
  return (await readdir(dir)).filter((name) => names.includes(name));
}

/** Command lines of processes that work in the host's folder or were started for it. */
async function processesOf(dir: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = [];
  for (const pid of pids) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => '');
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    const isIts = cwd.startsWith(`${dir}/`) || environment.includes(`BERTH_DIR=${dir}\0`);
    if (isIts) found.push(await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''));
  }
  return found.filter((command) => command !== '');
}
