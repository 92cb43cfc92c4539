import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildFolder } from '../../../src/lab/system/built-folder.ts';
import { checkTreeMachine, makeDebianTree } from '../../../src/lab/system/debian-tree.ts';
import { machineArch } from '../../../src/lab/system/machine-arch.ts';
import {
  libvirtSocketUri,
  untilLibvirtAnswers,
} from '../../../src/lab/private-host/libvirt-ready.ts';
import type { PrivateHost } from '../../../src/lab/private-host/private-host.ts';
import { GIB } from '../../../src/base/units.ts';
import { atProcessEnd } from '../../lab/at-process-end.ts';
import { labFolder, TEST_CACHE } from '../../lab/lab-host.ts';

/** Releases of Debian that the client is tried on, besides the one that tests run on, oldest first. */
export const RELEASES = ['bullseye', 'trixie', 'forky'] as const;
export type Release = (typeof RELEASES)[number];

/** True for a word that names one of them. */
export function isRelease(word: string | undefined): word is Release {
  return RELEASES.some((release) => release === word);
}

/** libvirt with its drivers, its own client, QEMU, and what its networks and pools need. */
const PACKAGES = [
  'libvirt-daemon',
  'libvirt-clients',
  'qemu-system-x86',
  'qemu-utils',
  'dnsmasq-base',
  'iproute2',
  'iptables',
] as const;
/** Drivers that have packages of their own since libvirt 11 of Debian, and are in the daemon's before. */
const DRIVER_PACKAGES: Readonly<Record<Release, readonly string[]>> = {
  bullseye: [],
  trixie: driverPackages(),
  forky: driverPackages(),
};

/** What a tree and its making take. */
const TREE_BYTES = 2 * GIB;
const START_DEADLINE_MS = 120_000;
const END_DEADLINE_MS = 5000;

/**
 * The libvirtd of another Debian release, running here in that release's own files: no machine of its
 * own is needed, since libvirt and QEMU are at home on any newer kernel. It ends with this process.
 * The tree is built on first use (half a minute, from the apt sources of this machine) and kept.
 */
export async function startReleaseHost(release: Release): Promise<PrivateHost> {
  const tree = await releaseTree(release);
  let child: ChildProcess | undefined;
  atProcessEnd(() => endAtOnce(child)); // before the folder is removed, which the next line has done then
  const dir = await labFolder();
  for (const name of ['run', 'images']) await mkdir(join(dir, name), { mode: 0o755 });
  await writeFile(join(dir, 'libvirtd.conf'), 'auth_unix_rw = "none"\nauth_unix_ro = "none"\n');
  // The users of QEMU and of libvirtd are the packages' own business; here all of it is disposable.
  const qemu = [
    'user = "root"',
    'group = "root"',
    'security_driver = "none"',
    'remember_owner = 0',
  ];
  await writeFile(join(dir, 'qemu.conf'), [...qemu, 'stdio_handler = "file"', ''].join('\n'));
  child = spawnInit(tree, dir);
  const started = child;
  const socket = join(dir, 'run', 'libvirt-sock');
  const uri = libvirtSocketUri('system', socket);
  await untilUp(started, uri, dir);
  const pid = await initPid(started);
  return {
    uri,
    socket,
    pid,
    dir,
    name: 'release',
    hideKvm: true,
    images: { outside: join(dir, 'images'), inside: '/var/lib/libvirt/images' },
    stop: async () => {
      if (started.exitCode !== null || started.signalCode !== null) return;
      started.kill('SIGKILL');
      await once(started, 'exit');
    },
  };
}

function driverPackages(): readonly string[] {
  const drivers = ['qemu', 'network', 'storage', 'nodedev', 'secret', 'nwfilter', 'interface'];
  return drivers.map((name) => `libvirt-daemon-driver-${name}`);
}

async function releaseTree(release: Release): Promise<string> {
  const arch = machineArch(process.arch);
  const packages = [...PACKAGES, ...DRIVER_PACKAGES[release]];
  const key = createHash('sha256').update(packages.join()).digest('hex').slice(0, 12);
  const { path } = await buildFolder({
    dir: TEST_CACHE,
    name: `libvirt-${release}-${arch}-${key}`,
    what: `the files of Debian ${release}`,
    workBytes: TREE_BYTES,
    make: async (partial) => {
      const options = { suite: release, packages, files: [], arch };
      await checkTreeMachine(options);
      await rename(await makeDebianTree(partial, options), join(partial, 'tree'));
      return key;
    },
  });
  return join(path, 'tree');
}

/** Ends with this process, however that ends, and takes all that it started with it. */
function spawnInit(tree: string, dir: string): ChildProcess {
  const script = fileURLToPath(new URL('release-init.sh', import.meta.url));
  return spawn(
    'setpriv',
    [
      ...['--pdeathsig', 'KILL', 'unshare', '--mount', '--net', '--uts', '--ipc', '--pid'],
      ...['--fork', '--kill-child', 'sh', script, tree, dir],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
}

async function untilUp(child: ChildProcess, uri: string, dir: string): Promise<void> {
  let said = '';
  child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
  const ended = new AbortController();
  child.once('exit', (status) => ended.abort(new Error(`it ended with ${status}`)));
  const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(START_DEADLINE_MS)]);
  try {
    await untilLibvirtAnswers(uri, signal);
  } catch (error) {
    child.kill('SIGKILL');
    const log = await readFile(join(dir, 'run', 'log'), 'utf8').catch(() => '');
    throw new Error(`the libvirt of another release did not come up: ${said}${log}`, {
      cause: error,
    });
  }
}

/** unshare waits for the one process that it has forked. */
async function initPid({ pid }: ChildProcess): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return Number(children.trim());
}

/** A process that exits cannot wait for an event: it looks again and again. */
function endAtOnce(child: ChildProcess | undefined): void {
  if (child?.pid === undefined || !child.kill('SIGKILL')) return;
  const clock = new Int32Array(new SharedArrayBuffer(4));
  const end = performance.now() + END_DEADLINE_MS;
  while (isAlive(child.pid) && performance.now() < end) Atomics.wait(clock, 0, 0, 10);
}

/** Whoever has ended but was not waited for yet has let go of everything. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
