import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readFile, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { hasErrno } from '../system/errno.ts';
import { findHost, startHost, stopHost, type HostMode } from './host-lifecycle.ts';
import { HOST_INIT_SCRIPT, InitProcess } from './init-process.ts';
import type { HostRecord } from './host-record.ts';
import { writeLibvirtConfig } from './libvirt-config.ts';
import { libvirtSocketUri } from './libvirt-ready.ts';
import type { PrivateHost, PrivateHostOptions } from './private-host.ts';
import { identifyProcess, killProcess, type ProcessIdentity } from '../system/process-identity.ts';
import { missingPrograms, SYSTEM_PATH } from '../system/system-path.ts';

const STOP_DEADLINE_MS = 30_000;
/** A killed process may have had a child that was just being born; so many looks find them all. */
const SWEEPS_MAX = 10;

/**
 * Starts a libvirtd for the present user alone, in session mode: no root, no cgroups, no host
 * network; guests use user-mode NICs. Everything of it lies in `dir`, apart from one symbolic link
 * in /tmp that keeps the paths of sockets short. It survives this
 * process. To hide /dev/kvm it gets a user and a mount namespace, where the machine allows them.
 *
 * There is no pid namespace, so nothing ends by itself: a stop, or the find after a killed start,
 * ends each process of this user whose environment names this host's folders.
 * @throws BERTH_PACKAGES_NEEDED, BERTH_PERMISSION (for root: a namespace host is meant for it),
 *   and what startNamespaceHost does.
 */
export async function startSessionHost(options: PrivateHostOptions): Promise<PrivateHost> {
  const programs = ['libvirtd', ...(options.hideKvm ? ['unshare', 'mount', 'setpriv'] : [])];
  const missing = await missingPrograms(programs);
  if (missing.length > 0) {
    throw berthError('BERTH_PACKAGES_NEEDED', {
      packages: missing,
      remedy: 'install the packages that bring libvirtd and QEMU, then try again',
    });
  }
  if (ownUid() === 0) {
    throw berthError('BERTH_PERMISSION', {
      what: 'a session host',
      reason: 'libvirt has no session mode for root',
      remedy: 'start a namespace host, or run as an ordinary user',
    });
  }
  const { name, hideKvm } = options;
  return startHost(MODE, { kind: 'session', name, hideKvm, ready: false }, options);
}

/**
 * The session host that runs in a folder, as findNamespaceHost says. Its link in /tmp is made again
 * where somebody who tidies up there has removed it, for without it nobody reaches the host.
 * @throws BERTH_PERMISSION when something else has its name by now, which leads to another's host.
 */
export async function findSessionHost(dir: string): Promise<PrivateHost | undefined> {
  const host = await findHost(MODE, dir);
  if (host === undefined || (await linkAlias(host.dir))) return host;
  if (!(await isOurAlias(host.dir))) throw foreignAlias(host.dir);
  return host;
}

/** Ends the session host of a folder with all its guests, as stopNamespaceHost says. */
export async function stopSessionHost(dir: string): Promise<void> {
  await stopHost(MODE, dir);
}

const MODE: HostMode = {
  describe,
  prepare,
  spawn,
  enter: nothing,
  settle: nothing,
  connect: nothing,
  clear,
};

/** A session host has no cgroups to be moved into, and no network. */
async function nothing(): Promise<void> {}

function describe(dir: string, { name, hideKvm }: HostRecord, pid: number): PrivateHost {
  const socket = join(aliasOf(dir), 'run', 'libvirt', 'libvirt-sock');
  const images = join(dir, 'images');
  return {
    uri: libvirtSocketUri('session', socket),
    socket,
    pid,
    dir,
    name,
    hideKvm,
    images: { outside: images, inside: images },
    stop: async () => stopSessionHost(dir),
  };
}

async function prepare(dir: string, _record: HostRecord): Promise<void> {
  await chmod(dir, 0o700);
  for (const folder of ['run', 'c/libvirt', 'cache', 'data', 'images']) {
    await mkdir(join(dir, folder), { recursive: true, mode: 0o700 });
  }
  const images = join(dir, 'images');
  await writeLibvirtConfig({ dir, config: join(dir, 'c', 'libvirt'), images });
  await makeAlias(dir);
}

/** `c`, not `config`: libvirt 9 puts sockets of guests there, with 70 bytes of path of its own. */
function spawn(dir: string, record: HostRecord): InitProcess {
  const alias = aliasOf(dir);
  return new InitProcess({
    what: 'the hypervisor',
    script: [HOST_INIT_SCRIPT, 'session'],
    dir,
    env: {
      PATH: SYSTEM_PATH,
      LC_ALL: 'C',
      HOME: process.env['HOME'] ?? dir,
      XDG_RUNTIME_DIR: join(alias, 'run'),
      XDG_CONFIG_HOME: join(alias, 'c'),
      XDG_CACHE_HOME: join(alias, 'cache'),
      XDG_DATA_HOME: join(alias, 'data'),
      BERTH_DIR: dir,
      BERTH_HIDE_KVM: record.hideKvm ? 'yes' : 'no',
    },
  });
}

async function clear(dir: string): Promise<void> {
  let processes = await processesOf(aliasOf(dir));
  for (let sweep = 0; sweep < SWEEPS_MAX && processes.length > 0; sweep++) {
    for (const identity of processes) await killProcess(identity, STOP_DEADLINE_MS);
    processes = await processesOf(aliasOf(dir));
  }
  if (processes.length > 0) {
    throw berthError('BERTH_HYPERVISOR_FAILED', {
      problem: `it does not end: process ${processes[0]?.pid} came up again`,
      log: join(dir, 'libvirtd.log'),
    });
  }
  await removeAlias(dir);
}

/**
 * A short path to `dir`: libvirt makes sockets with long names of their own below its folders, and
 * the kernel allows 107 bytes. It is the same each time, so that a host is found again.
 */
function aliasOf(dir: string): string {
  const digest = createHash('sha256').update(dir).digest('hex').slice(0, 8);
  return join('/tmp', `b${ownUid()}-${digest}`);
}

/** In /tmp anybody could have put something of that name there: only a link of our own will do. */
async function makeAlias(dir: string): Promise<void> {
  await removeAlias(dir);
  if (!(await linkAlias(dir))) throw foreignAlias(dir);
}

function foreignAlias(dir: string): Error {
  return berthError('BERTH_PERMISSION', {
    what: aliasOf(dir),
    reason: 'something of another user is in its place',
    remedy: 'have it removed, or choose another folder for the host',
  });
}

/** False when something has that name already. */
async function linkAlias(dir: string): Promise<boolean> {
  try {
    await symlink(dir, aliasOf(dir));
    return true;
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Whether the name is that of a link of our own that leads to the folder. */
async function isOurAlias(dir: string): Promise<boolean> {
  const alias = aliasOf(dir);
  try {
    return (await lstat(alias)).uid === ownUid() && (await readlink(alias)) === dir;
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EINVAL')) return false; // gone again; no link
    throw error;
  }
}

/** The link, or the folder that a libvirtd made in its place when the link had been taken away. */
async function removeAlias(dir: string): Promise<void> {
  const alias = aliasOf(dir);
  try {
    if ((await lstat(alias)).uid === ownUid()) await rm(alias, { recursive: true });
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

function ownUid(): number {
  return process.getuid?.() ?? -1;
}

/**
 * The processes of a host: libvirtd has the folders in its environment, and gives each QEMU its own
 * below them. Others' environments cannot be read, and are not this user's to end anyway.
 */
async function processesOf(alias: string): Promise<readonly ProcessIdentity[]> {
  const found: ProcessIdentity[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
    if (!`\0${environment}`.includes(`\0XDG_CACHE_HOME=${alias}/`)) continue;
    const identity = await identifyProcess(Number(pid));
    if (identity !== undefined) found.push(identity);
  }
  return found;
}
