import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { MIB } from '../../../src/base/units.ts';
import { parseMeminfo } from '../../../src/facts/meminfo.ts';
import { findLabHost } from '../../../src/lab/fleet/find-lab-host.ts';
import { breakLabHost } from '../../../src/lab/fleet/break-lab-host.ts';
import { downLab, upLab } from '../../../src/lab/fleet/lab.ts';
import { findLab, listLabs } from '../../../src/lab/fleet/list-labs.ts';
import { labFolder } from '../../../src/lab/fleet/lab-folder.ts';
import type { LabHostInfo, LabInfo } from '../../../src/lab/fleet/lab-info.ts';
import { insideHost, insideLab } from '../../../src/lab/fleet/run-in-lab.ts';
import { findNamespaceHost } from '../../../src/lab/private-host/namespace-host.ts';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import { until, virsh } from '../tiny-guest.ts';
import {
  bringUp,
  fleetSkip,
  keeperPid,
  labTraces,
  labHome,
  networkNamespaces,
  NO_TOPOLOGY,
  plainHosts,
} from './test-lab.ts';
import { coded } from '../../refusal.ts';

const skip = await fleetSkip();

function hostOf(lab: LabInfo, index: number): LabHostInfo {
  const host = lab.hosts[index - 1];
  assert.ok(host, `host ${index} of ${lab.name}`);
  return host;
}

/** What a command says that runs on a lab's own network. */
async function onNetwork(home: string, ...argv: readonly string[]): Promise<string> {
  const enter = insideLab(labFolder(home, 'lab'), await keeperPid(home));
  return (await runCommand([...enter, ...argv], { deadlineMs: 60_000 })).stdout.trim();
}

/** What a command says that runs in a host. */
async function inHost(host: LabHostInfo, ...argv: readonly string[]): Promise<string> {
  const found = await findNamespaceHost(host.dir);
  assert.ok(found, `${host.name} runs`);
  const { stdout } = await runCommand([...insideHost(found.pid), ...argv], { deadlineMs: 60_000 });
  return stdout.trim();
}

/** The files of the ways in, by their place in the lab's folder. */
function keys(home: string): Readonly<Record<'id' | 'knownHosts' | 'pki', string>> {
  const dir = labFolder(home, 'lab');
  return {
    id: join(dir, 'ssh', 'id'),
    knownHosts: join(dir, 'ssh', 'known_hosts'),
    pki: join(dir, 'pki'),
  };
}

async function ssh(home: string, address: string, command: string): Promise<string> {
  const { id, knownHosts } = keys(home);
  const options = ['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'BatchMode=yes'];
  return onNetwork(home, 'ssh', '-i', id, ...options, `root@${address}`, command);
}

describe('a lab', { skip, concurrency: false }, () => {
  test('gives every host a name, an address and three ways in, and its end leaves nothing', async () => {
    const home = labHome();
    const dir = labFolder(home, 'lab');
    const before = await labTraces(home, 3);
    const lab = await bringUp(home, { hosts: 3 });
    const namespaces = [...(await networkNamespaces()).entries()];
    const keeper = await keeperPid(home);
    const ours = namespaces.filter(([, pids]) => pids.includes(keeper));
    assert.equal(ours.length, 1);
    assert.deepEqual(
      lab.hosts.map(({ name, state, machine }) => `${name} ${state} ${machine}`),
      ['lab-1 running this', 'lab-2 running this', 'lab-3 running this'],
    );
    for (const host of lab.hosts) {
      assert.equal(await virsh(host.uri, 'hostname'), host.name, 'by its socket');
      assert.equal(await ssh(home, host.address, 'virsh hostname'), host.name, 'by SSH');
      const way = host.ways.ssh ?? '';
      assert.equal(await onNetwork(home, 'virsh', '-c', way, 'hostname'), host.name, 'its URI');
      const tls = host.ways.tls ?? '';
      assert.equal(await onNetwork(home, 'virsh', '-c', tls, 'hostname'), host.name, 'by TLS');
    }
    assert.match(await onNetwork(home, 'ping', '-c1', '-W2', 'lab-2'), / 0% packet loss/);
    const during = await labTraces(home, 3);
    assert.deepEqual(during.mounts, before.mounts, 'its mounts are its own');
    assert.deepEqual(during.links, before.links, 'its network is its own');
    assert.deepEqual(
      (await downLab(home, 'lab'))?.map(({ uri }) => uri),
      lab.hosts.map(({ uri }) => uri),
    );
    assert.deepEqual(await labTraces(home, 3), before);
    const after = await networkNamespaces();
    for (const [namespace] of ours) assert.equal(after.has(namespace), false);
    await assert.rejects(stat(dir), { code: 'ENOENT' });
    assert.equal(await downLab(home, 'lab'), undefined, 'a second time there is nothing to do');
  });

  test('is closed to everything outside its network, and to other users', async () => {
    const home = labHome();
    const lab = await bringUp(home, { hosts: 1 });
    const { address } = hostOf(lab, 1);
    const outside = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
    assert.ok(
      !outside.some((at) => at.address.startsWith('198.18.') || at.address.startsWith('198.19.')),
    );
    // Some networks answer for every address; what answers must not be the host.
    const banner = new Promise<string>((resolve) => {
      const socket = connect({ host: address, port: 22, timeout: 1_000 });
      socket.once('data', (data) => resolve(data.toString('latin1')));
      socket.once('error', () => resolve('refused'));
      socket.once('timeout', () => socket.destroy(new Error('no answer')));
      socket.once('close', () => resolve('closed'));
    });
    assert.doesNotMatch(await banner, /^SSH-/);
    const log = join(hostOf(lab, 1).dir, 'sshd.log');
    assert.doesNotMatch(await readFile(log, 'utf8'), /onnection/);
    assert.equal((await stat(labFolder(home, 'lab'))).mode & 0o777, 0o700);
    const stranger = ['-F', 'none', '-o', 'StrictHostKeyChecking=no', '-o', 'BatchMode=yes'];
    const nobody = [...stranger, '-o', 'UserKnownHostsFile=/dev/null', '-o', 'IdentityFile=none'];
    const without = onNetwork(home, 'ssh', ...nobody, address, 'true');
    await assert.rejects(without, /ermission denied \(publickey\)/, 'no key, no way in');
    const noCertificate = onNetwork(
      home,
      'virsh',
      '-c',
      `qemu+tls://${address}/system`,
      'hostname',
    );
    await assert.rejects(noCertificate, coded('BERTH_COMMAND_FAILED'));
    await downLab(home, 'lab');
  });

  test('joins its hosts: they reach each other by name, on the bridge that guests use too', async () => {
    const home = labHome();
    const lab = await bringUp(home, { hosts: 2 });
    const [first, second] = [hostOf(lab, 1), hostOf(lab, 2)];
    assert.match(await inHost(first, 'ping', '-c1', '-W2', 'lab-2'), / 0% packet loss/);
    const batch = ['ssh', '-o', 'BatchMode=yes', 'root@lab-2', 'hostname'] as const;
    assert.equal(await inHost(first, ...batch), 'lab-2', 'as clients of each other');
    const tls = ['virsh', '-c', second.ways.tls ?? '', 'hostname'] as const;
    assert.equal(await inHost(first, ...tls), 'lab-2');
    const known = await readFile('/root/.ssh/known_hosts', 'utf8').catch(() => '');
    const trusting = ['ssh', '-o', 'StrictHostKeyChecking=accept-new', 'root@lab-1', 'hostname'];
    assert.equal(await onNetwork(home, ...trusting), 'lab-1');
    assert.equal(await readFile('/root/.ssh/known_hosts', 'utf8').catch(() => ''), known);
    assert.match(
      await inHost(second, 'ip', '-br', 'address', 'show', 'br0'),
      new RegExp(second.address),
    );
    assert.match(await inHost(second, 'ip', 'link', 'show', 'master', 'br0'), /eth0/);
    await downLab(home, 'lab');
  });

  test('comes up beside others, on a network of its own', async () => {
    const homes = [labHome(), labHome(), labHome()];
    const labs = await Promise.all(homes.map(async (home) => bringUp(home, { hosts: 1 })));
    assert.equal(new Set(labs.map(({ network }) => network)).size, 3);
    for (const lab of labs) assert.equal(await virsh(hostOf(lab, 1).uri, 'hostname'), 'lab-1');
    const [one = '', two = ''] = homes;
    const other = await bringUp(one, { hosts: 1, name: 'second' });
    assert.equal(hostOf(other, 1).name, 'second-1');
    await downLab(one, 'lab');
    assert.deepEqual(
      (await listLabs(one, NO_TOPOLOGY)).map(({ name }) => name),
      ['second'],
    );
    assert.equal(await virsh(hostOf(other, 1).uri, 'hostname'), 'second-1', 'it goes on');
    assert.equal((await listLabs(two, NO_TOPOLOGY))[0]?.hosts[0]?.state, 'running');
    await Promise.all(homes.map(async (home) => downLab(home, 'lab')));
    await downLab(one, 'second');
  });

  test('grows, starts again what has ended, and leaves what runs as it is', async () => {
    const home = labHome();
    const lab = await bringUp(home, { hosts: 1 });
    assert.equal(lab.changed, true);
    const first = hostOf(lab, 1);
    const pid = (await findNamespaceHost(first.dir))?.pid;
    assert.equal((await bringUp(home, { hosts: 1 })).changed, false);
    const grown = await bringUp(home, { hosts: 2 });
    assert.equal(grown.changed, true);
    assert.equal((await findNamespaceHost(first.dir))?.pid, pid, 'it was not touched');
    assert.match(await inHost(first, 'cat', '/etc/hosts'), /lab-2/, 'it has heard of the new one');
    const xml = join(home, 'kept.xml');
    await writeFile(
      xml,
      '<domain type="qemu"><name>kept</name><memory>65536</memory><os><type>hvm</type></os></domain>',
    );
    await virsh(first.uri, 'define', xml);
    process.kill(pid ?? 0, 'SIGKILL');
    const states = async (): Promise<string> =>
      (await findLab(home, 'lab', NO_TOPOLOGY)).hosts.map(({ state }) => state).join();
    await until('its end', 10_000, async () => (await states()) === 'stopped,running');
    assert.equal((await bringUp(home, {})).changed, true, 'without a word of its hosts');
    assert.equal(await virsh(first.uri, 'list', '--all', '--name'), 'kept');
    assert.equal(await ssh(home, first.address, 'hostname'), 'lab-1');
    await downLab(home, 'lab');
  });

  test('gives a host a disk of its own when asked', async () => {
    const home = labHome();
    const lab = await bringUp(home, {
      hosts: [{ kind: 'namespace', disk: 64 * 1024 ** 2 }, { kind: 'namespace' }],
    });
    const size = async (host: LabHostInfo): Promise<number> =>
      Number((await inHost(host, 'df', '--output=size', '-k', '/var/lib/libvirt')).split('\n')[1]);
    assert.ok((await size(hostOf(lab, 1))) < 65_536);
    assert.ok((await size(hostOf(lab, 2))) > 65_536);
    assert.match(await virsh(hostOf(lab, 1).uri, 'pool-list'), /default/);
    await downLab(home, 'lab');
    assert.doesNotMatch(
      (await runCommand(['losetup', '--all'], { deadlineMs: 10_000 })).stdout,
      new RegExp(home),
    );
  });

  test('ends though a host of it is frozen', async () => {
    const home = labHome();
    await bringUp(home, { hosts: 2 });
    const place = { home, host: 'lab-1', own: NO_TOPOLOGY };
    const { broken } = await breakLabHost(place, ['freeze'], AbortSignal.timeout(30_000));
    assert.deepEqual(broken, ['freeze']);
    const before = performance.now();
    assert.equal((await downLab(home, 'lab'))?.length, 2);
    assert.ok(performance.now() - before < 20_000, 'it is not waited for in vain');
  });

  test('borrows pages from the machine and gives back those, whatever others do', async () => {
    const path = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages';
    const size = async (): Promise<number> => Number(await readFile(path, 'utf8'));
    const before = await size();
    const [one, two] = [labHome(), labHome()];
    await bringUp(one, { hosts: 1, pages: 8 });
    await bringUp(two, { hosts: 1, pages: 4 });
    assert.equal(await size(), before + 12);
    assert.equal((await bringUp(one, { hosts: 1, pages: 8 })).changed, false);
    assert.equal(await size(), before + 12, 'what is lent is not lent again');
    const more = bringUp(one, { hosts: 1, pages: 9 });
    await assert.rejects(more, coded('BERTH_CONFLICT', /it has 8 pages of the machine, not 9/));
    await downLab(one, 'lab');
    assert.equal(await size(), before + 4);
    await downLab(two, 'lab');
    assert.equal(await size(), before);
  });

  test('asks for no more pages than the machine can spare, and then a refusal is forgotten', async () => {
    const home = labHome();
    const available =
      parseMeminfo(await readFile('/proc/meminfo', 'utf8')).get('MemAvailable') ?? 0;
    const pages = Math.ceil(available / (2 * MIB));
    const tooMany = bringUp(home, { hosts: 1, pages });
    await assert.rejects(tooMany, coded('BERTH_CONFLICT', /pages of 2 MiB/));
    assert.deepEqual(await listLabs(home, NO_TOPOLOGY), []);
    await bringUp(home, { hosts: 1 });
    await assert.rejects(bringUp(home, { hosts: 1, pages }), coded('BERTH_CONFLICT'));
    await bringUp(home, { hosts: 1, pages: 1 });
    await downLab(home, 'lab');
  });

  test('a command on its network ends with it', async () => {
    const home = labHome();
    await bringUp(home, { hosts: 1 });
    const mark = `${process.pid}${Date.now()}`;
    await onNetwork(home, 'sh', '-c', `setsid sleep 600.${mark} >/dev/null 2>&1 &`);
    const runs = async (): Promise<boolean> =>
      (await runCommand(['ps', '-eo', 'args'], { deadlineMs: 10_000 })).stdout.includes(mark);
    assert.equal(await runs(), true);
    await downLab(home, 'lab');
    assert.equal(await runs(), false);
  });

  test('one that is damaged hides no other, and none is brought up or ended in its stead', async () => {
    const home = labHome();
    await bringUp(home, { hosts: 1, name: 'whole' });
    await bringUp(home, { hosts: 1, name: 'broken' });
    const record = join(labFolder(home, 'broken'), 'lab.json');
    const text = await readFile(record, 'utf8');
    await writeFile(record, text.slice(0, 40));
    const labs = await listLabs(home, NO_TOPOLOGY);
    assert.match(labs.find(({ name }) => name === 'broken')?.notes.join() ?? '', /damaged/);
    const other = labs.find(({ name }) => name === 'whole');
    assert.equal(other?.hosts[0]?.state, 'running');
    await assert.rejects(downLab(home, 'broken'), coded('BERTH_FACTS_INVALID', /lab\.json/));
    assert.equal((await findLabHost(home, 'whole-1')).lab.name, 'whole');
    assert.equal((await downLab(home, 'whole'))?.length, 1);
    await writeFile(record, text);
    assert.equal((await downLab(home, 'broken'))?.length, 1);
  });

  test('looks that are taken while its hosts start do them no harm', async () => {
    const home = labHome();
    const looking = new AbortController();
    const looks = Array.from({ length: 4 }, async () => {
      while (!looking.signal.aborted) await listLabs(home, NO_TOPOLOGY);
    });
    try {
      for (let round = 0; round < 3; round++) {
        const lab = await bringUp(home, { hosts: 4 });
        assert.deepEqual(
          lab.hosts.map(({ state }) => state),
          ['running', 'running', 'running', 'running'],
        );
        await downLab(home, 'lab');
      }
    } finally {
      looking.abort();
      await Promise.all(looks);
    }
  });

  test('of ups and downs at once each does its own or says that another is at it', async () => {
    const home = labHome();
    const work = async (times: number, one: () => Promise<unknown>): Promise<void> => {
      for (let round = 0; round < times; round++) {
        await one().catch((error: unknown) => {
          const known = ['BERTH_BUSY', 'BERTH_HYPERVISOR_FAILED'] as const;
          assert.ok(
            known.some((code) => isBerthError(error, code)),
            String(error),
          );
        });
      }
    };
    await Promise.all([
      work(6, async () => bringUp(home, { hosts: 1 })),
      work(6, async () => bringUp(home, { hosts: 1 })),
      work(12, async () => downLab(home, 'lab')),
      work(12, async () => downLab(home, 'lab')),
    ]);
    await downLab(home, 'lab');
    assert.deepEqual(await listLabs(home, NO_TOPOLOGY), []);
  });

  test('refuses what it cannot be, and then nothing is there', async () => {
    const home = labHome();
    for (const hosts of [0, 241]) {
      await assert.rejects(bringUp(home, { hosts }), coded('BERTH_SPEC_INVALID', /hosts/));
    }
    for (const name of ['', '..', 'a/b', 'Lab', '-a', 'x'.repeat(40), 'a b']) {
      await assert.rejects(bringUp(home, { hosts: 1, name }), coded('BERTH_SPEC_INVALID'), name);
    }
    assert.deepEqual(await listLabs(home, NO_TOPOLOGY), []);
    await bringUp(home, { hosts: 2 });
    await assert.rejects(bringUp(home, { hosts: 1 }), coded('BERTH_CONFLICT', /it has 2 hosts/));
    const other = bringUp(home, {
      hosts: [{ kind: 'namespace' }, { kind: 'namespace', disk: 1024 ** 3 }],
    });
    await assert.rejects(other, coded('BERTH_CONFLICT', /lab-2 has no disk of its own, not 1 GiB/));
    assert.equal((await listLabs(home, NO_TOPOLOGY))[0]?.hosts.length, 2, 'it is as it was');
    await downLab(home, 'lab');
  });

  test('is taken back when its start is broken off', async () => {
    const home = labHome();
    const before = await labTraces(home, 3);
    const aborter = new AbortController();
    const start = upLab({
      home,
      name: 'lab',
      hosts: plainHosts(30),
      cache: home,
      signal: aborter.signal,
      progress: { up: () => aborter.abort() },
    });
    await assert.rejects(start, coded('BERTH_INTERRUPTED'));
    assert.deepEqual(await labTraces(home, 3), before);
    assert.deepEqual(await listLabs(home, NO_TOPOLOGY), []);
  });
});
