import { createHash, randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { berthError } from '../base/errors.ts';
import { Undo } from '../base/undo.ts';
import { hasErrno, isDiskFull } from './errno.ts';
import { isFolderLocked, lockFolder } from './folder-lock.ts';
import {
  joinHostCgroups,
  makeHostCgroups,
  planHostCgroups,
  removeHostCgroups,
  settleInHostCgroups,
  type HostCgroups,
} from './host-cgroups.ts';
import { HostProcess } from './host-process.ts';
import { readHostRecord, writeHostRecord, type HostRecord } from './host-record.ts';
import { HOST_PROGRAMS, HYPERVISOR_PACKAGES } from './hypervisor-packages.ts';
import { libvirtSocketUri, untilLibvirtAnswers } from './libvirt-ready.ts';
import { identifyProcess, isRunning, killProcess } from './process-identity.ts';
import { missingPrograms, SYSTEM_PATH } from './system-path.ts';

/** How long a start may take in all; it takes 0.3 s on an idle machine. */
export const START_DEADLINE_MS = 60_000;
/** How long the kernel may take to end all processes of a host, large guests included. */
export const STOP_DEADLINE_MS = 30_000;
/** The kernel's limit for the path of a unix socket (sun_path of unix(7)), without its final 0. */
export const SOCKET_PATH_BYTES_MAX = 107;

const INIT_SCRIPT = fileURLToPath(new URL('../../src/lab/host-init.sh', import.meta.url));

export interface NamespaceHostOptions {
  /**
   * Folder of the host; made when missing. All its state lies below, readable by root alone. What
   * libvirt finds in /var/lib/libvirt is `dir`/var-lib, so guests' files need no path through `dir`.
   */
  readonly dir: string;
  /** The host's own name, as `hostname` tells it: letters, digits, `-` and `.`, at most 63. */
  readonly name: string;
  /** True gives the host a /dev without a kvm node: see accelerator.ts for when that is needed. */
  readonly hideKvm: boolean;
  /** A folder with `cpu` and `node` to show in place of /sys/devices/system's. */
  readonly sysTree?: string;
  readonly signal?: AbortSignal;
  readonly progress?: (step: string) => void;
}

/** A libvirt daemon of our own that runs. */
export interface PrivateHost {
  readonly uri: string;
  readonly socket: string;
  /** The process that all others of the host end with. /proc/PID/root shows what the host sees. */
  readonly pid: number;
  readonly dir: string;
  readonly hideKvm: boolean;
  /** A folder for disk images and boot files: where it is for us, and where libvirt sees it. */
  readonly images: { readonly outside: string; readonly inside: string };
  /** Ends the daemon and its guests at once; definitions and images stay in `dir`. */
  stop(): Promise<void>;
}

/**
 * Starts a libvirtd in mount, network, UTS, IPC, cgroup and pid namespaces of its own, or adopts
 * the one that runs in `dir` already. It survives this process; when its pid 1 ends, by whatever
 * cause, the kernel ends every other process of it and takes its mounts and network back. Its
 * network is a loopback only: guests use user-mode NICs, and nothing leaves the machine.
 *
 * QEMU runs as the unprivileged user that the distribution's libvirt has for it. libvirt's security
 * driver is "none" (file ownership is still managed): SELinux and AppArmor profiles are global,
 * so using them would write to the machine outside `dir`.
 *
 * Needs root. A failure or abort at any moment takes back all that was begun; what a kill -9 of
 * this process leaves is files only, plus empty cgroups, which the next start, find or stop removes.
 * @throws BERTH_PERMISSION, BERTH_PACKAGES_NEEDED, BERTH_SPEC_INVALID (name, or `dir` too long for a
 *   socket), BERTH_CONFLICT (another kind of host runs there), BERTH_BUSY, BERTH_HYPERVISOR_FAILED,
 *   BERTH_DEADLINE, BERTH_INTERRUPTED, BERTH_DISK_FULL.
 */
export async function startNamespaceHost(options: NamespaceHostOptions): Promise<PrivateHost> {
  const dir = resolve(options.dir);
  checkOptions(dir, options);
  await checkMachine();
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await using _lock = await lockFolder(dir);
  const running = await adopt(dir);
  if (running !== undefined) return sameHost(running, options);
  await clear(dir);
  try {
    return await startHost(dir, options);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw berthError('BERTH_DISK_FULL', { what: 'the hypervisor', path: dir }, { cause: error });
  }
}

/**
 * The host that runs in a folder; undefined when none does. What a start that was killed left there
 * is removed, unless somebody is at work in the folder.
 */
export async function findNamespaceHost(folder: string): Promise<PrivateHost | undefined> {
  const dir = resolve(folder);
  const running = await adopt(dir);
  if (running !== undefined) return running.host;
  if ((await readHostRecord(dir)) === undefined || (await isFolderLocked(dir))) return undefined;
  await using _lock = await lockFolder(dir);
  await clear(dir);
  return undefined;
}

/**
 * Ends the host of a folder with all its guests, at once. Nothing of it stays but files: domain
 * definitions, images, logs. Without a host, what an interrupted start left is removed.
 * @throws BERTH_BUSY while another process is at work in the folder.
 */
export async function stopNamespaceHost(folder: string): Promise<void> {
  const dir = resolve(folder);
  if ((await readHostRecord(dir)) === undefined) return;
  await using _lock = await lockFolder(dir);
  await clear(dir);
}

function checkOptions(dir: string, { name }: NamespaceHostOptions): void {
  if (!/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/.test(name)) {
    throw berthError('BERTH_SPEC_INVALID', {
      where: 'name of the host',
      problem: `"${name}" cannot be a hostname`,
      expected: 'at most 63 letters, digits, "-" and "."',
    });
  }
  const bytes = Buffer.byteLength(socketOf(dir));
  if (bytes > SOCKET_PATH_BYTES_MAX) {
    throw berthError('BERTH_SPEC_INVALID', {
      where: dir,
      problem: `the socket in it would have a path of ${bytes} bytes`,
      expected: `a folder shorter by ${bytes - SOCKET_PATH_BYTES_MAX} bytes: the kernel allows ${SOCKET_PATH_BYTES_MAX}`,
    });
  }
}

async function checkMachine(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw berthError('BERTH_PERMISSION', {
      what: 'a hypervisor in its own namespaces',
      reason: 'only root may make them',
      remedy: 'run as root, or use a session host',
    });
  }
  const missing = await missingPrograms(HOST_PROGRAMS);
  if (missing.length > 0) {
    throw berthError('BERTH_PACKAGES_NEEDED', {
      packages: missing,
      remedy: `install them; on Debian: apt-get install ${HYPERVISOR_PACKAGES.debian.join(' ')}`,
    });
  }
}

interface RunningHost {
  readonly host: PrivateHost;
  readonly record: HostRecord;
}

async function adopt(dir: string): Promise<RunningHost | undefined> {
  const record = await readHostRecord(dir);
  if (record?.process === undefined || !record.ready) return undefined;
  if (!(await isRunning(record.process))) return undefined;
  return { host: hostIn(dir, record.process.pid, record.hideKvm), record };
}

function sameHost({ host, record }: RunningHost, options: NamespaceHostOptions): PrivateHost {
  const same =
    record.kind === 'namespace' &&
    record.name === options.name &&
    record.hideKvm === options.hideKvm &&
    record.sysTree === options.sysTree;
  if (same) return host;
  throw berthError('BERTH_CONFLICT', {
    what: host.dir,
    why: `the host "${record.name}" runs there with other settings`,
    remedy: 'stop it first',
  });
}

function hostIn(dir: string, pid: number, hideKvm: boolean): PrivateHost {
  const socket = socketOf(dir);
  return {
    uri: libvirtSocketUri('system', socket),
    socket,
    pid,
    dir,
    hideKvm,
    images: { outside: join(dir, 'var-lib', 'images'), inside: '/var/lib/libvirt/images' },
    stop: async () => stopNamespaceHost(dir),
  };
}

function socketOf(dir: string): string {
  return join(dir, 'run', 'libvirt-sock');
}

/** Takes away what the last host of the folder left, if it still runs the host itself. */
async function clear(dir: string): Promise<void> {
  const record = await readHostRecord(dir);
  if (record === undefined) return;
  if (record.process !== undefined) await killProcess(record.process, STOP_DEADLINE_MS);
  await removeHostCgroups(record.cgroups);
  await rm(join(dir, 'run'), { recursive: true, force: true });
  await rm(join(dir, 'host.json'), { force: true });
}

async function startHost(dir: string, options: NamespaceHostOptions): Promise<PrivateHost> {
  const deadline = AbortSignal.timeout(START_DEADLINE_MS);
  const signal = AbortSignal.any([deadline, ...(options.signal ? [options.signal] : [])]);
  const progress = options.progress ?? ((): void => undefined);
  await using undo = new Undo();
  undo.add('clear the folder', async () => clear(dir));
  try {
    progress('folders');
    await makeFolders(dir, options.name);
    const cgroups = await planHostCgroups(cgroupName(dir, options.name));
    const record = recordOf(options, cgroups);
    await writeHostRecord(dir, record);
    await makeHostCgroups(cgroups);
    signal.throwIfAborted();
    progress('namespaces');
    const child = spawnInit(dir, options, cgroups);
    undo.add('end the new host', async () => child.kill());
    const pid = await bringUp(child, { dir, record, cgroups, signal, progress });
    undo.commit();
    child.release();
    return hostIn(dir, pid, options.hideKvm);
  } catch (error) {
    if (options.signal?.aborted === true) {
      throw berthError('BERTH_INTERRUPTED', { what: `the start of ${options.name}` });
    }
    if (!deadline.aborted) throw error;
    throw berthError('BERTH_DEADLINE', {
      what: `the start of ${options.name}`,
      afterMs: START_DEADLINE_MS,
    });
  }
}

function recordOf(options: NamespaceHostOptions, cgroups: HostCgroups): HostRecord {
  return {
    kind: 'namespace',
    name: options.name,
    hideKvm: options.hideKvm,
    ...(options.sysTree === undefined ? {} : { sysTree: options.sysTree }),
    cgroups: cgroups.paths,
    ready: false,
  };
}

/** Unique on the machine, whatever other hosts have the same name. */
function cgroupName(dir: string, name: string): string {
  return `berth-${name}-${createHash('sha256').update(dir).digest('hex').slice(0, 8)}`;
}

function spawnInit(dir: string, options: NamespaceHostOptions, cgroups: HostCgroups): HostProcess {
  const log = join(dir, 'init.log');
  return new HostProcess(['sh', INIT_SCRIPT, 'enter'], {
    log,
    logs: [join(dir, 'libvirtd.log'), log],
    env: {
      PATH: SYSTEM_PATH,
      LC_ALL: 'C',
      HOME: '/root',
      BERTH_DIR: dir,
      BERTH_NAME: options.name,
      BERTH_HIDE_KVM: options.hideKvm ? 'yes' : 'no',
      BERTH_CGROUPS: cgroups.version === 2 ? 'v2' : cgroups.controllers.join(' '),
      BERTH_SYS_TREE: options.sysTree ?? '',
    },
  });
}

/** Leads the new process through the stages of host-init.sh. @returns its pid 1, as seen here. */
async function bringUp(
  child: HostProcess,
  start: {
    readonly dir: string;
    readonly record: HostRecord;
    readonly cgroups: HostCgroups;
    readonly signal: AbortSignal;
    readonly progress: (step: string) => void;
  },
): Promise<number> {
  const { dir, record, cgroups, signal, progress } = start;
  const aborted = rejectOnAbort(signal);
  aborted.catch(() => undefined); // not always awaited any more when it fires
  await Promise.race([joinHostCgroups(cgroups, child.pid), child.failed]);
  child.say('cgroups');
  const pid = await Promise.race([child.mainPid, aborted]);
  await settleInHostCgroups(cgroups, [child.pid, pid]);
  const process = await identifyProcess(pid);
  if (process !== undefined) await writeHostRecord(dir, { ...record, process });
  await Promise.race([child.made, aborted]);
  progress('libvirtd');
  child.say('start');
  const uri = libvirtSocketUri('system', socketOf(dir));
  await Promise.race([untilLibvirtAnswers(uri, signal), child.failed, aborted]);
  child.say('keep');
  if (process === undefined)
    await child.failed; // it ended, and is about to say how
  else await writeHostRecord(dir, { ...record, process, ready: true });
  return pid;
}

async function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  if (signal.aborted) reject(signal.reason as Error);
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  return promise;
}

const CONFIG_LIBVIRTD = `# Written by Berth at every start.
unix_sock_rw_perms = "0700"
unix_sock_ro_perms = "0700"
auth_unix_rw = "none"
auth_unix_ro = "none"
listen_tls = 0
listen_tcp = 0
`;

/**
 * stdio_handler: no virtlogd runs here. remember_owner: its records, attributes of the image files,
 * would outlive a host that is stopped at once, and keep other hosts from the same image.
 */
const CONFIG_QEMU = `# Written by Berth at every start.
security_driver = "none"
stdio_handler = "file"
remember_owner = 0
`;

async function makeFolders(dir: string, name: string): Promise<void> {
  await rm(join(dir, 'run'), { recursive: true, force: true });
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
    await chmod(join(dir, folder), 0o755); // QEMU's user comes in by the mounts, not through dir
  }
  await writeFile(join(dir, 'hosts'), `127.0.0.1 localhost\n127.0.1.1 ${name}\n::1 localhost\n`);
  const uuid = await hostUuid(join(dir, 'host-uuid'));
  const config = `${CONFIG_LIBVIRTD}host_uuid = "${uuid}"\n`;
  await writeFile(join(dir, 'etc-libvirt', 'libvirtd.conf'), config);
  await writeFile(join(dir, 'etc-libvirt', 'qemu.conf'), CONFIG_QEMU);
}

/** The same for the life of the folder: libvirt refuses to migrate between hosts of one UUID. */
async function hostUuid(path: string): Promise<string> {
  try {
    await writeFile(path, `${randomUUID()}\n`, { flag: 'wx' });
  } catch (error) {
    if (!hasErrno(error, 'EEXIST')) throw error;
  }
  const text = (await readFile(path, 'utf8')).trim();
  if (/^[0-9a-f-]{36}$/.test(text)) return text;
  await rm(path); // half written by a crash
  return hostUuid(path);
}
