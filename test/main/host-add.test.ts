import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { Client } from '../../src/api/client.ts';
import type { HostView } from '../../src/api/resources.ts';
import { GIB } from '../../src/base/units.ts';
import { describedMachine } from '../../src/lab/machine/shown-machine.ts';
import { insideLab } from '../../src/lab/fleet/run-in-lab.ts';
import { makeSshKey } from '../../src/lab/system/ssh-key.ts';
import { findProgram } from '../../src/lab/system/system-path.ts';
import { apiSocket } from '../../src/local/api-socket.ts';
import { fleetSkip, keeperPid } from '../lab/fleet/test-lab.ts';
import { farHost, type FarHost } from '../libvirt/transport/far-host.ts';

const skip = await fleetSkip();
const BERTH = fileURLToPath(new URL('../../src/main/berth.mjs', import.meta.url));

/** What libvirt alone, or a single file of sysfs, does not tell whole is in it. */
const MACHINE = describedMachine(
  { name: 'far' },
  {
    sockets: 2,
    dies: 2,
    cells: 2,
    cores: 8,
    threads: 2,
    l3: 2,
    memoryBytes: 4 * GIB,
    offline: [3, 9],
    pages: [{ sizeKiB: 2048, count: 8 }],
    pci: [
      { address: '0000:c1:00.0', class: '0x020000', vendor: '0x15b3', device: '0x101d', cell: 3 },
    ],
  },
);

/** What of a host does not change from one look to the next: all but what is free. */
function shapeOf({ topology, domainTypes, libvirtVersion }: HostView) {
  const cells = topology.cells.map(({ freeBytes, pages, ...cell }) => {
    assert.ok(freeBytes > 0, 'what is free is known');
    return { ...cell, pages: pages.map(({ sizeKiB, total }) => ({ sizeKiB, total })) };
  });
  return { topology: { ...topology, cells }, domainTypes, libvirtVersion };
}

describe('a host that is added by its URI', { skip, concurrency: false }, () => {
  let host: FarHost;
  let home: string;
  let stop: () => Promise<void>;

  before(async () => {
    host = await farHost(MACHINE);
    home = await mkdtemp(join(tmpdir(), 'berth-home-'));
    const [program, ...args] = [
      ...insideLab(host.lab, await keeperPid(host.home)),
      process.execPath,
      BERTH,
      'serve',
    ] as const;
    const env = { ...process.env, HOME: home, BERTH_HOME: join(home, 'state') };
    const server = spawn(program, args, { env, stdio: 'ignore' });
    stop = async () => {
      const ended = once(server, 'close');
      // A signal to nsenter does not reach what runs behind it.
      await host.beside('pkill', '-f', 'berth.mjs serve');
      await ended;
    };
    await new Client({ socket: apiSocket(join(home, 'state')) }).ready(20_000);
  });
  after(async () => {
    await stop();
    await host.client.stop();
    await rm(home, { recursive: true, force: true });
  });

  /** Runs a command line; outside the lab, since only the server has to reach the host. */
  async function berth(...argv: readonly string[]) {
    const env = { ...process.env, BERTH_HOME: join(home, 'state') };
    const child = spawn(process.execPath, [BERTH, ...argv], { env, stdio: 'pipe' });
    const ended = once(child, 'close');
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [status] = (await ended) as [number | null];
    return { status, stdout, stderr };
  }

  /** What the server knows of the host after it was added so. */
  async function added(uri: string): Promise<HostView> {
    assert.deepEqual(await berth('host', 'add', uri, 'far'), {
      status: 0,
      stdout: 'added far; see it with: berth host show far\n',
      stderr: '',
    });
    const shown = await berth('host', 'show', 'far', '--json');
    assert.equal(shown.status, 0, shown.stderr);
    await berth('host', 'rm', 'far', '--yes');
    return JSON.parse(shown.stdout) as HostView;
  }

  test('is known by SSH as by its own socket, and by TLS but for what libvirt alone cannot tell', async () => {
    const ssh = await added(`qemu+ssh://root@${host.name}/system`);
    const pki = encodeURIComponent(join(host.lab, 'pki'));
    const tls = await added(`qemu+tls://${host.name}/system?pkipath=${pki}`);
    const own = await added(`qemu+unix:///system?socket=${join(host.dir, 'run', 'libvirt-sock')}`);
    assert.deepEqual(shapeOf(ssh), shapeOf(own));
    assert.deepEqual(ssh.unknown, own.unknown);
    const { cells, offlineCpus } = ssh.topology;
    assert.deepEqual([cells.length, offlineCpus], [4, [3, 9]]);
    assert.deepEqual(
      cells.map(({ pci }) => pci.map(({ address }) => address)),
      [[], [], [], ['0000:c1:00.0']],
    );
    const [first] = cells[1]?.cpus ?? [];
    assert.deepEqual([first?.siblings.length, first?.die, first?.l3 === undefined], [2, 1, false]);
    assert.deepEqual(tls.unknown, ['offline CPUs, as sysfs was not read']);
  });

  test('is taken in by a key that is bound to libvirt, its files unknown with the reason', async (t) => {
    if ((await findProgram('virt-ssh-helper')) === undefined)
      return t.skip('needs: virt-ssh-helper');
    const key = join(home, 'bound');
    await makeSshKey(key, 'bound', AbortSignal.timeout(10_000));
    const bound = 'restrict,command="virt-ssh-helper qemu:///system"';
    const line = `${bound} ${await readFile(`${key}.pub`, 'utf8')}`;
    await appendFile(join(host.dir, 'authorized_keys'), line);
    const uri = `qemu+ssh://root@${host.name}/system?proxy=native&keyfile=${key}`;
    const { topology, unknown = [] } = await added(uri);
    assert.match(unknown[0] ?? '', /^the files of the host: its login does not run the command/);
    assert.equal(unknown[1], 'offline CPUs, as sysfs was not read');
    assert.ok(topology.cells.every(({ freeBytes }) => freeBytes > 0));
  });

  test('is refused with the reason and what to do about it', async () => {
    const known = join(home, 'known_hosts');
    await writeFile(known, '');
    const uri = `qemu+ssh://root@${host.name}/system?known_hosts=${known}`;
    const key = await berth('host', 'add', uri);
    assert.equal(key.status, 5);
    assert.match(
      key.stderr,
      /^berth: the SSH key of lab-1 is not known here: .*\n {2}enter it once/,
    );
    const json = await berth('host', 'add', uri, '--json');
    assert.equal((JSON.parse(json.stdout) as { code: string }).code, 'BERTH_HOST_KEY');
    const tls = await berth('host', 'add', `qemu+tls://${host.name}/system?pkipath=${home}`);
    assert.equal(tls.status, 5);
    assert.match(
      tls.stderr,
      /^berth: no TLS connection to lab-1: there is no certificate authority/,
    );
    const nobody = await berth('host', 'add', 'qemu+ssh://no-such-host.invalid/system');
    assert.match(nobody.stderr, /cannot be resolved.*\n {2}check the spelling/);
    assert.deepEqual(JSON.parse((await berth('host', 'ls', '--json')).stdout), { hosts: [] });
  });
});
