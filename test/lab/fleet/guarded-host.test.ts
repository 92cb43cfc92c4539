import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { downLab } from '../../../src/lab/fleet/lab.ts';
import { labFolder } from '../../../src/lab/fleet/lab-folder.ts';
import type { LabHostInfo, LabInfo } from '../../../src/lab/fleet/lab-info.ts';
import { insideHost, insideLab } from '../../../src/lab/fleet/run-in-lab.ts';
import { findNamespaceHost } from '../../../src/lab/private-host/namespace-host.ts';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import { missingPrograms } from '../../../src/lab/system/system-path.ts';
import { tinyGuestXml, virsh } from '../tiny-guest.ts';
import { buildTestImage } from '../lab-host.ts';
import { bringUp, fleetSkip, keeperPid, labHome } from './test-lab.ts';

const skip = await fleetSkip();

function firstHost({ hosts: [host] }: LabInfo): LabHostInfo {
  assert.ok(host);
  return host;
}

/** What a command says that runs in a host. */
async function inHost(host: LabHostInfo, ...argv: readonly string[]): Promise<string> {
  const found = await findNamespaceHost(host.dir);
  assert.ok(found, `${host.name} runs`);
  const { stdout } = await runCommand([...insideHost(found.pid), ...argv], { deadlineMs: 60_000 });
  return stdout.trim();
}

describe('a host of a lab', { skip, concurrency: false }, () => {
  test('cannot change files that are not its own', async () => {
    const home = labHome();
    const host = firstHost(await bringUp(home, { hosts: 1 }));
    for (const path of ['/etc/berth-was-here', '/usr/berth-was-here', '/root/berth-was-here']) {
      await assert.rejects(inHost(host, 'touch', path), /Read-only file system/, path);
    }
    await inHost(host, 'touch', '/var/log/berth-was-here', '/var/lib/libvirt/images/own');
    await assert.rejects(stat('/var/log/berth-was-here'), { code: 'ENOENT' });
    await downLab(home, 'lab');
  });

  test('has what is temporary to itself, though its own folder lies there', async (t) => {
    const home = labHome();
    const host = firstHost(await bringUp(home, { hosts: 1 }));
    for (const parent of ['/tmp', '/var/tmp']) {
      const folder = await mkdtemp(join(parent, 'berth-guard-'));
      t.after(async () => rm(folder, { recursive: true, force: true }));
      const file = join(folder, 'file');
      await writeFile(file, 'kept');
      await inHost(host, 'sh', '-c', `rm -rf '${folder}'; mkdir '${folder}'; echo own >'${file}'`);
      assert.equal(await readFile(file, 'utf8'), 'kept');
    }
    await inHost(host, 'touch', join(host.dir, 'var-lib', 'images', 'own'));
    assert.equal((await stat(join(host.dir, 'var-lib', 'images', 'own'))).size, 0);
    await downLab(home, 'lab');
  });

  test('cannot change what the kernel lets be set for the whole machine', async () => {
    const pool = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages';
    const before = await readFile(pool, 'utf8');
    const home = labHome();
    const host = firstHost(await bringUp(home, { hosts: 1 }));
    await assert.rejects(virsh(host.uri, 'allocpages', '2048', '3', '--add'), /Read-only|failed/i);
    assert.equal(await readFile(pool, 'utf8'), before);
    const places = [
      pool,
      '/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages',
      '/sys/kernel/mm/ksm/run',
      '/sys/power/state',
      '/proc/sys/vm/swappiness',
      '/proc/sys/kernel/panic',
      '/proc/sysrq-trigger',
    ];
    for (const path of places) {
      const there = await stat(path).catch(() => undefined);
      if (there === undefined) continue;
      // Opened to be written to, but nothing is written.
      await assert.rejects(inHost(host, 'sh', '-c', `: >>${path}`), /Read-only file system/, path);
    }
    await downLab(home, 'lab');
  });

  test('runs guests, also with huge pages, and networks of its own', async (t) => {
    const home = labHome();
    const guest = await buildTestImage();
    const host = firstHost(await bringUp(home, { hosts: 1, guest, pages: 72 }));
    const inside = '/var/lib/libvirt/images';
    const image = { kernel: `${inside}/vmlinuz`, initrd: `${inside}/initrd.gz` };
    const bridged = "<interface type='bridge'><source bridge='br0'/></interface>";
    const plain = tinyGuestXml({ image, images: { inside } }, 'huge', bridged);
    const xml = plain.replace('<vcpu>', '<memoryBacking><hugepages/></memoryBacking><vcpu>');
    const path = join(home, 'huge.xml');
    await writeFile(path, xml);
    await virsh(host.uri, 'create', path);
    assert.equal(await virsh(host.uri, 'domstate', 'huge'), 'running');
    assert.match(await virsh(host.uri, 'nodedev-list', '--cap', 'net'), /eth0/);
    await virsh(host.uri, 'schedinfo', 'huge', '--set', 'cpu_shares=512');
    await virsh(host.uri, 'destroy', 'huge');
    const missing = await missingPrograms(['dnsmasq', 'iptables']);
    if (missing.length > 0) t.diagnostic(`no network, for want of ${missing.join(', ')}`);
    else await startNetwork(home, host);
    await downLab(home, 'lab');
  });

  test('is entered by SSH though the path of its lab has special characters', async (t) => {
    const home = join(labHome(), 'a b %d%');
    t.after(async () => downLab(home, 'lab')); // it is not one of those that end with this process
    const host = firstHost(await bringUp(home, { hosts: 1 }));
    const dir = labFolder(home, 'lab');
    const word = (name: string): string => `"${join(dir, 'ssh', name).replaceAll('%', '%%')}"`;
    const settings = [`IdentityFile=${word('id')}`, `UserKnownHostsFile=${word('known_hosts')}`];
    const options = ['BatchMode=yes', ...settings].flatMap((setting) => ['-o', setting]);
    const enter = insideLab(dir, await keeperPid(home));
    const argv = [...enter, 'ssh', ...options, `root@${host.address}`, 'hostname'] as const;
    assert.equal((await runCommand(argv, { deadlineMs: 60_000 })).stdout.trim(), 'lab-1');
  });
});

async function startNetwork(home: string, { uri }: LabHostInfo): Promise<void> {
  const path = join(home, 'network.xml');
  await writeFile(
    path,
    `<network><name>nat</name><forward mode='nat'/><bridge name='virbr7'/>
<ip address='192.168.77.1' netmask='255.255.255.0'><dhcp>
<range start='192.168.77.2' end='192.168.77.9'/></dhcp></ip></network>`,
  );
  await virsh(uri, 'net-create', path);
  assert.match(await virsh(uri, 'net-list'), /nat +active/);
  await virsh(uri, 'net-destroy', 'nat');
}
