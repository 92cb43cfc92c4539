import { createHash } from 'node:crypto';
import { access, chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { thawCgroups } from './cgroup-freezer.ts';
import {
  joinHostCgroups,
  makeHostCgroups,
  ownProcessFiles,
  planHostCgroups,
  removeHostCgroups,
  settleInHostCgroups,
} from './host-cgroups.ts';
import { findHost, lookAtHost, startHost, stopHost, type HostMode } from './host-lifecycle.ts';
import { HOST_INIT_SCRIPT, InitProcess } from './init-process.ts';
import { makeHostDisk } from './host-disk.ts';
import { connectToLab, withinLab, type NetworkPlace } from './network-place.ts';
import { writeSshdConfig, type SshWayIn } from './ssh-way-in.ts';
import { readHostRecord, type HostRecord } from './host-record.ts';
import { HYPERVISOR_PACKAGES } from '../system/hypervisor-packages.ts';
import { writeLibvirtConfig, type TlsWayIn } from './libvirt-config.ts';
import { libvirtSocketUri } from './libvirt-ready.ts';
import type { PrivateHost, PrivateHostOptions } from './private-host.ts';
import { killProcess } from '../system/process-identity.ts';
import { missingPrograms, SYSTEM_PATH } from '../system/system-path.ts';

/** How long the kernel may take to end all processes of a host, large guests included. */
const STOP_DEADLINE_MS = 30_000;

const PROGRAMS: readonly string[] = ['libvirtd', 'unshare', 'mount', 'ip', 'setsid'];

export interface NamespaceHostOptions extends PrivateHostOptions {
  /** What it shows in place of the machine's own CPUs and cells, see host-init.sh. */
  readonly sysTree?: string;
  /** The library that stands in for CPUs that are not there, and for the clock. */
  readonly shim?: { readonly library: string };
  /** Its place on the network of a lab; without one it has a loopback only. */
  readonly place?: NetworkPlace;
  /** The SSH way in; needs a place. */
  readonly ssh?: SshWayIn;
  /** The TLS way in: a folder of certificates, see lab-certificates.ts; needs a place. */
  readonly tls?: TlsWayIn;
  /** A folder with `ssh` and `pki`, which make it a client of the lab's other hosts. */
  readonly client?: string;
  /** Bytes of a file system of its own for /var/lib/libvirt; without it that is a folder of `dir`. */
  readonly disk?: number;
  /** True makes what is not the host's own read-only to it. */
  readonly guard?: boolean;
}

/**
 * Starts a libvirtd in mount, network, UTS, IPC, cgroup and pid namespaces of its own, or adopts
 * the one that runs in `dir` already. It survives this process; when its pid 1 ends, by whatever
 * cause, the kernel ends every other process of it and takes its mounts and network back. Its
 * network is a loopback only unless it has a place in a lab: nothing leaves the machine.
 *
 * `dir` is for root alone. QEMU runs as the unprivileged user that the distribution's libvirt has
 * for it, and comes to `dir`/var-lib by its mount at /var/lib/libvirt, not through `dir`.
 *
 * Needs root. A failure or abort at any moment takes back all that was begun; what a kill -9 of
 * this process leaves is files only, plus empty cgroups, which the next start, find or stop removes.
 * @throws BERTH_PERMISSION, BERTH_PACKAGES_NEEDED, BERTH_SPEC_INVALID (name, or `dir` too long for a
 *   socket), BERTH_CONFLICT (another kind of host runs there), BERTH_BUSY, BERTH_HYPERVISOR_FAILED,
 *   BERTH_DEADLINE, BERTH_INTERRUPTED, BERTH_DISK_FULL.
 */
export async function startNamespaceHost(options: NamespaceHostOptions): Promise<PrivateHost> {
  await checkMachine();
  const dir = resolve(options.dir);
  const record: HostRecord = {
    kind: 'namespace',
    name: options.name,
    hideKvm: options.hideKvm,
    ...(options.sysTree === undefined ? {} : { sysTree: options.sysTree }),
    ...(options.disk === undefined ? {} : { ownDisk: true }),
    // The kernel's cpusets know nothing of CPUs that are only shown.
    cgroups: await planHostCgroups(
      cgroupName(dir, options.name),
      options.sysTree === undefined ? undefined : 'cpuset',
    ),
    ready: false,
  };
  return startHost(modeFor(options), record, options);
}

/**
 * The host that runs in a folder; undefined when none does. What a start that was killed left there
 * is removed, unless somebody is at work in the folder.
 */
export async function findNamespaceHost(dir: string): Promise<PrivateHost | undefined> {
  return findHost(MODE, dir);
}

/** The host that runs in a folder; nothing of one that does not is removed. */
export async function lookAtNamespaceHost(dir: string): Promise<PrivateHost | undefined> {
  return lookAtHost(MODE, dir);
}

/**
 * Ends the host of a folder with all its guests, at once. Nothing of it stays but files: domain
 * definitions, images, logs. Without a host, what an interrupted start left is removed.
 * @throws BERTH_BUSY while another process is at work in the folder.
 */
export async function stopNamespaceHost(dir: string): Promise<void> {
  await stopHost(MODE, dir);
}

/** Lets a host of a folder go on that was frozen: what is frozen can be killed, but does not end. */
export async function thawNamespaceHost(dir: string): Promise<void> {
  await thawCgroups((await readHostRecord(resolve(dir)))?.cgroups?.paths ?? []);
}

/** Files that a process's number is written to, to make it one of the host's in all its cgroups. */
export async function hostCgroupFiles(dir: string): Promise<readonly string[]> {
  const cgroups = (await readHostRecord(resolve(dir)))?.cgroups;
  return cgroups === undefined ? [] : ownProcessFiles(cgroups);
}

/** The library that the host's programs are preloaded with, as it sees it; undefined for none. */
export async function hostShim(dir: string): Promise<string | undefined> {
  const path = join(resolve(dir), 'run', 'shim', SHIM_FILE);
  const there = await access(path).then(
    () => true,
    () => false,
  );
  return there ? `${SHIM_INSIDE}/${SHIM_FILE}` : undefined;
}

/** Where libvirt sees the folder of images. */
const IMAGES = '/var/lib/libvirt/images';

/** How a host is started with these options; what is found, ended or cleared needs none. */
function modeFor(options: Partial<NamespaceHostOptions>): HostMode {
  return {
    describe,
    prepare: async (dir, record) => prepare(dir, record, options),
    spawn: (dir, record) => spawn(dir, record, options),
    enter,
    settle,
    connect: async (pid, signal) => {
      if (options.place !== undefined) await connectToLab(options.place, pid, signal);
    },
    clear,
  };
}

const MODE = modeFor({});

async function checkMachine(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw berthError('BERTH_PERMISSION', {
      what: 'a hypervisor in its own namespaces',
      reason: 'only root may make them',
      remedy: 'run as root, or use a session host',
    });
  }
  const missing = await missingPrograms(PROGRAMS);
  if (missing.length > 0) {
    throw berthError('BERTH_PACKAGES_NEEDED', {
      packages: missing,
      remedy: `install them; on Debian: apt-get install ${HYPERVISOR_PACKAGES.debian.join(' ')}`,
    });
  }
}

/** What the cgroups of a host are called: unique on the machine, whatever others have its name. */
export function cgroupName(dir: string, name: string): string {
  return `berth-${name}-${createHash('sha256').update(dir).digest('hex').slice(0, 8)}`;
}

function describe(dir: string, record: HostRecord, pid: number): PrivateHost {
  const { name, hideKvm, ownDisk = false } = record;
  const socket = join(dir, 'run', 'libvirt-sock');
  const outside = ownDisk ? `/proc/${pid}/root${IMAGES}` : join(dir, 'var-lib', 'images');
  return {
    uri: libvirtSocketUri('system', socket),
    socket,
    pid,
    dir,
    name,
    hideKvm,
    images: { outside, inside: IMAGES },
    stop: async () => stopNamespaceHost(dir),
  };
}

async function prepare(
  dir: string,
  record: HostRecord,
  { disk, shim, ssh, tls }: Partial<NamespaceHostOptions>,
): Promise<void> {
  await chmod(dir, 0o700);
  for (const folder of [
    'run',
    'etc-libvirt',
    'var-lib',
    'var-cache',
    'var-log',
    'var-lib/images',
  ]) {
    await mkdir(join(dir, folder), { recursive: true });
    await chmod(join(dir, folder), 0o755); // QEMU's user comes in by the mounts of these
  }
  const hosts = `127.0.0.1 localhost\n127.0.1.1 ${record.name}\n::1 localhost\n`;
  await writeFile(join(dir, 'hosts'), hosts);
  const config = join(dir, 'etc-libvirt');
  await writeLibvirtConfig({ dir, config, images: IMAGES }, tls);
  if (shim !== undefined) await prepareShim(dir, shim.library);
  if (ssh !== undefined) await writeSshdConfig(dir, ssh);
  if (disk !== undefined) await makeHostDisk(join(dir, DISK), disk);
  if (record.cgroups !== undefined) await makeHostCgroups(record.cgroups);
}

const DISK = 'disk.img';

/** QEMU's user reaches the shim and what it keeps by the host's mounts, not through `dir`. */
const SHIM_INSIDE = '/run/libvirt/shim';
const SHIM_FILE = 'shim.so';

async function prepareShim(dir: string, library: string): Promise<void> {
  const folder = join(dir, 'run', 'shim');
  await mkdir(folder);
  await chmod(folder, 0o1777);
  await copyFile(library, join(folder, SHIM_FILE));
  await chmod(join(folder, SHIM_FILE), 0o755);
}

function spawn(
  dir: string,
  record: HostRecord,
  { shim, place, ssh, tls, client, guard = false }: Partial<NamespaceHostOptions>,
): InitProcess {
  return new InitProcess({
    what: 'the hypervisor',
    script: [HOST_INIT_SCRIPT, 'namespace'],
    ...(place === undefined ? {} : { within: withinLab(place.keeper) }),
    dir,
    env: {
      PATH: SYSTEM_PATH,
      LC_ALL: 'C',
      HOME: '/root',
      BERTH_DIR: dir,
      BERTH_NAME: record.name,
      BERTH_HIDE_KVM: record.hideKvm ? 'yes' : 'no',
      BERTH_CGROUPS: cgroupsInside(record),
      BERTH_HOSTS: place?.hosts ?? join(dir, 'hosts'),
      BERTH_SYS_TREE: record.sysTree ?? '',
      BERTH_SHIM: shim === undefined ? '' : `${SHIM_INSIDE}/${SHIM_FILE}`,
      BERTH_DISK: record.ownDisk === true ? join(dir, DISK) : '',
      BERTH_ADDRESS: place?.address ?? '',
      BERTH_SSHD: ssh?.program ?? '',
      BERTH_LISTEN: tls === undefined ? 'no' : 'yes',
      BERTH_CLIENT: client ?? '',
      BERTH_GUARD: guard ? 'yes' : 'no',
    },
  });
}

/** The hierarchies that the host mounts. In v2 there is no way to do without its cpusets alone. */
function cgroupsInside({ cgroups, sysTree }: HostRecord): string {
  if (cgroups === undefined) return '';
  if (cgroups.version === 2) return sysTree === undefined ? 'v2' : '';
  return cgroups.controllers.join(' ');
}

async function enter({ cgroups }: HostRecord, pid: number): Promise<void> {
  if (cgroups !== undefined) await joinHostCgroups(cgroups, pid);
}

async function settle({ cgroups }: HostRecord, pids: readonly number[]): Promise<void> {
  if (cgroups !== undefined) await settleInHostCgroups(cgroups, pids);
}

async function clear(_dir: string, record: HostRecord): Promise<void> {
  await thawCgroups(record.cgroups?.paths ?? []);
  if (record.process !== undefined) await killProcess(record.process, STOP_DEADLINE_MS);
  await removeHostCgroups(record.cgroups?.paths ?? []);
}
