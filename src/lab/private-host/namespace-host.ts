import { createHash } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { berthError } from '../../base/errors.ts';
import {
  joinHostCgroups,
  makeHostCgroups,
  planHostCgroups,
  removeHostCgroups,
  settleInHostCgroups,
} from './host-cgroups.ts';
import { findHost, startHost, stopHost, type HostMode } from './host-lifecycle.ts';
import { HostProcess } from './host-process.ts';
import type { HostRecord } from './host-record.ts';
import { HYPERVISOR_PACKAGES } from '../system/hypervisor-packages.ts';
import { writeLibvirtConfig } from './libvirt-config.ts';
import { libvirtSocketUri } from './libvirt-ready.ts';
import type { PrivateHost, PrivateHostOptions } from './private-host.ts';
import { killProcess } from '../system/process-identity.ts';
import { missingPrograms, SYSTEM_PATH } from '../system/system-path.ts';

/** How long the kernel may take to end all processes of a host, large guests included. */
const STOP_DEADLINE_MS = 30_000;

const PROGRAMS: readonly string[] = ['libvirtd', 'unshare', 'mount', 'ip', 'setsid'];

export interface NamespaceHostOptions extends PrivateHostOptions {
  /** A folder with `cpu` and `node` to show in place of /sys/devices/system's. */
  readonly sysTree?: string;
}

/**
 * Starts a libvirtd in mount, network, UTS, IPC, cgroup and pid namespaces of its own, or adopts
 * the one that runs in `dir` already. It survives this process; when its pid 1 ends, by whatever
 * cause, the kernel ends every other process of it and takes its mounts and network back. Its
 * network is a loopback only: guests use user-mode NICs, and nothing leaves the machine.
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
    cgroups: await planHostCgroups(cgroupName(dir, options.name)),
    ready: false,
  };
  return startHost(MODE, record, options);
}

/**
 * The host that runs in a folder; undefined when none does. What a start that was killed left there
 * is removed, unless somebody is at work in the folder.
 */
export async function findNamespaceHost(dir: string): Promise<PrivateHost | undefined> {
  return findHost(MODE, dir);
}

/**
 * Ends the host of a folder with all its guests, at once. Nothing of it stays but files: domain
 * definitions, images, logs. Without a host, what an interrupted start left is removed.
 * @throws BERTH_BUSY while another process is at work in the folder.
 */
export async function stopNamespaceHost(dir: string): Promise<void> {
  await stopHost(MODE, dir);
}

/** Where libvirt sees the folder of images. */
const IMAGES = '/var/lib/libvirt/images';

const MODE: HostMode = { describe, prepare, spawn, enter, settle, clear };

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

/** Unique on the machine, whatever other hosts have the same name. */
function cgroupName(dir: string, name: string): string {
  return `berth-${name}-${createHash('sha256').update(dir).digest('hex').slice(0, 8)}`;
}

function describe(dir: string, { name, hideKvm }: HostRecord, pid: number): PrivateHost {
  const socket = join(dir, 'run', 'libvirt-sock');
  return {
    uri: libvirtSocketUri('system', socket),
    socket,
    pid,
    dir,
    name,
    hideKvm,
    images: { outside: join(dir, 'var-lib', 'images'), inside: IMAGES },
    stop: async () => stopNamespaceHost(dir),
  };
}

async function prepare(dir: string, record: HostRecord): Promise<void> {
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
  await writeLibvirtConfig({ dir, config: join(dir, 'etc-libvirt'), images: IMAGES });
  if (record.cgroups !== undefined) await makeHostCgroups(record.cgroups);
}

function spawn(dir: string, record: HostRecord): HostProcess {
  const { version, controllers = [] } = record.cgroups ?? {};
  return new HostProcess('namespace', {
    dir,
    env: {
      PATH: SYSTEM_PATH,
      LC_ALL: 'C',
      HOME: '/root',
      BERTH_DIR: dir,
      BERTH_NAME: record.name,
      BERTH_HIDE_KVM: record.hideKvm ? 'yes' : 'no',
      BERTH_CGROUPS: version === 2 ? 'v2' : controllers.join(' '),
      BERTH_SYS_TREE: record.sysTree ?? '',
    },
  });
}

async function enter({ cgroups }: HostRecord, pid: number): Promise<void> {
  if (cgroups !== undefined) await joinHostCgroups(cgroups, pid);
}

async function settle({ cgroups }: HostRecord, pids: readonly number[]): Promise<void> {
  if (cgroups !== undefined) await settleInHostCgroups(cgroups, pids);
}

async function clear(_dir: string, record: HostRecord): Promise<void> {
  if (record.process !== undefined) await killProcess(record.process, STOP_DEADLINE_MS);
  await removeHostCgroups(record.cgroups?.paths ?? []);
}
