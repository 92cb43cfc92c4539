import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { berthError, isBerthError } from '../../base/errors.ts';
import { Undo } from '../../base/undo.ts';
import { SOCKET_PATH_BYTES_MAX } from '../../libvirt/index.ts';
import type { HostTopology } from '../../model/topology.ts';
import { makeSshKey } from '../fleet/lab-ssh-keys.ts';
import { libvirtSocketUri, untilLibvirtAnswers, uriValue } from '../private-host/libvirt-ready.ts';
import { connectToLab, onLabNetwork, type NetworkPlace } from '../private-host/network-place.ts';
import type { DebianImage } from '../system/debian-image.ts';
import { isDiskFull } from '../system/errno.ts';
import { lockFolder } from '../system/folder-lock.ts';
import { identifyProcess, isRunning, killProcess } from '../system/process-identity.ts';
import { runCommand, type CommandOutput } from '../system/run-command.ts';
import { missingPrograms } from '../system/system-path.ts';
import { AgentChannel } from './agent-channel.ts';
import { buildKvmHostImage, HOST_IMAGES, type KvmHostRelease } from './kvm-host-image.ts';
import {
  readKvmHostRecord,
  removeKvmHostRecord,
  writeKvmHostRecord,
  type KvmHostRecord,
} from './kvm-host-record.ts';
import { kvmHostTopology, MACHINE_FILES, SRIOV_DEVICE } from './kvm-machine.ts';
import { identifyMachine, type MachineKeys } from './machine-identity.ts';
import {
  addressOf,
  connectMonitor,
  machineFolder,
  makeMachineFolder,
  spawnMachine,
  type MachineOptions,
  type SavedMachine,
} from './machine-process.ts';
import type { Qmp } from './qmp.ts';
import { remoteCommand, runOnMachine, type RemoteOptions } from './remote-command.ts';
import { BOOT_DEADLINE_MS, restoreState, savedMachine } from './saved-machine.ts';

/** How long the start of a machine may take once all is built; a restored one takes seconds. */
const START_DEADLINE_MS = 600_000;
const STOP_DEADLINE_MS = 30_000;
const COMMAND_DEADLINE_MS = 60_000;
/** A restored machine's agent runs already. */
const RESTORED_AGENT_DEADLINE_MS = 60_000;

/** What a KVM host is made with; all programs that are needed, and the packages that bring them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'qemu-system-x86_64': 'qemu-system-x86',
  'qemu-img': 'qemu-utils',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  ip: 'iproute2',
  setpriv: 'util-linux',
  unshare: 'util-linux',
  nsenter: 'util-linux',
};

export interface KvmHostOptions {
  /** Folder of the host; made when missing. What the host changes lies below and is not kept. */
  readonly dir: string;
  /** What the host is called: a hostname. */
  readonly name: string;
  /** Folder for what is built once: images and saved machines. */
  readonly cache: string;
  readonly release: KvmHostRelease;
  /** Where it stands on a lab's network, and dies with; absent: alone. */
  readonly place?: NetworkPlace & {
    /** The lab's own address, which leads out of its network. */
    readonly gateway: string;
  };
  /** Keys of a lab; absent: the host makes its own. */
  readonly keys?: MachineKeys;
  /** True boots the machine, though one that was saved could be restored. */
  readonly boot?: boolean;
  /** True ends it with this process, however that ends; else it lives on, to be found again. */
  readonly endsWithCaller?: boolean;
  readonly signal?: AbortSignal;
  /** Hears the steps: those of the builds, `restoring` or `booting`, `identity`, `libvirtd`. */
  readonly progress?: (step: string) => void;
}

/** A whole machine with libvirt on it, emulated, with a /dev/kvm that works. */
export interface KvmHost {
  readonly name: string;
  readonly dir: string;
  readonly release: KvmHostRelease;
  /** The way to its libvirt from anywhere on this machine. */
  readonly uri: string;
  readonly socket: string;
  /** pid 1 of its outside; in its network namespace are the taps of the machine's NICs. */
  readonly pid: number;
  /** Its address on the lab's network, and the way in from there. */
  readonly address?: string;
  readonly sshUri?: string;
  readonly topology: HostTopology;
  /** Where libvirt on the host sees the kernel and initramfs of the tiny guest. */
  readonly guest: { readonly kernel: string; readonly initrd: string };
  /** Runs a command on the host as root. @throws what runCommand does; ssh's own failures too. */
  run(argv: readonly string[], options: RemoteOptions): Promise<CommandOutput>;
  /** The command that runs one there as `run` does, for who gives it a terminal of his own. */
  command(
    argv: readonly string[],
    options: { readonly terminal: boolean },
  ): { readonly command: readonly [string, ...string[]]; readonly cwd: string };
  /** Ends it with its guests at once; what it had on its disk is gone. */
  stop(): Promise<void>;
}

/**
 * Starts a KVM host, or adopts the one that runs in `dir` already: an emulated machine with four
 * cells, Debian's kernel and libvirt, and a processor that can itself virtualize. It is built,
 * booted and saved on the first start (some three minutes) and restored on others, each time as
 * new. Name, address, clock, machine id and libvirt's UUID of the host, SSH keys and the MAC address
 * on the lab's network are each host's own; the UUID and the MAC are always the same for `dir`.
 *
 * The emulator runs without rights in namespaces of its own, and with a lab ends with it. `uri` is a
 * socket led there by SSH over a wire of its own, so it works with the lab's network cut, too.
 *
 * Needs root. A failure or abort takes back all that was begun; what a kill -9 of this process
 * leaves is files only, which the next start, find or stop removes.
 * @throws BERTH_PERMISSION, BERTH_PACKAGES_NEEDED, BERTH_SPEC_INVALID (`dir` too long for a socket),
 *   BERTH_CONFLICT (another release runs there), BERTH_BUSY, BERTH_HYPERVISOR_FAILED,
 *   BERTH_COMMAND_FAILED, BERTH_DEADLINE, BERTH_INTERRUPTED, BERTH_DISK_FULL, BERTH_UNSUPPORTED.
 */
export async function startKvmHost(options: KvmHostOptions): Promise<KvmHost> {
  const dir = resolve(options.dir);
  await checkMachine(dir);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  using _lock = lockFolder(dir);
  const running = await runningRecord(dir);
  if (running !== undefined) return adopt(dir, running, options);
  await clearFolder(dir);
  try {
    const image = await buildKvmHostImage({ ...options, dir: options.cache });
    const boot = options.boot === true;
    const saved = boot ? undefined : await savedMachine({ ...options, dir: options.cache, image });
    return await startNew(dir, image, saved, options);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw berthError('BERTH_DISK_FULL', { what: 'the KVM host', path: dir }, { cause: error });
  }
}

/** The running host of a folder; without one, clears what a killed start left, and gives undefined. */
export async function findKvmHost(folder: string): Promise<KvmHost | undefined> {
  const dir = resolve(folder);
  const running = await runningRecord(dir);
  if (running !== undefined) return describe(dir, running);
  try {
    await stopKvmHost(dir);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_BUSY')) throw error;
  }
  return undefined;
}

/**
 * Ends the host of a folder with all its guests, or clears what a killed start left. Keys stay.
 * @throws BERTH_BUSY while another process is at work in the folder.
 */
export async function stopKvmHost(folder: string): Promise<void> {
  const dir = resolve(folder);
  if ((await readKvmHostRecord(dir)) === undefined) return;
  using _lock = lockFolder(dir);
  await clearFolder(dir);
}

type RunningRecord = KvmHostRecord & Required<Pick<KvmHostRecord, 'process'>>;

async function runningRecord(dir: string): Promise<RunningRecord | undefined> {
  const record = await readKvmHostRecord(dir);
  if (record?.process === undefined || !record.ready) return undefined;
  return (await isRunning(record.process)) ? { ...record, process: record.process } : undefined;
}

function adopt(dir: string, running: RunningRecord, options: KvmHostOptions): KvmHost {
  const { name, release } = options;
  if (running.name === name && running.release === release) return describe(dir, running);
  throw berthError('BERTH_CONFLICT', {
    what: dir,
    why: `the KVM host "${running.name}" of ${running.release} runs there`,
    remedy: 'stop it first',
  });
}

async function checkMachine(dir: string): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw berthError('BERTH_PERMISSION', {
      what: 'a KVM host',
      reason: 'only root may make the namespaces and links that it stands on',
      remedy: 'run as root',
    });
  }
  const bytes = Buffer.byteLength(socketIn(dir));
  if (bytes > SOCKET_PATH_BYTES_MAX) {
    throw berthError('BERTH_SPEC_INVALID', {
      where: dir,
      problem: `the socket in it would have a path of ${bytes} bytes`,
      expected: `a folder shorter by ${bytes - SOCKET_PATH_BYTES_MAX} bytes: the kernel allows ${SOCKET_PATH_BYTES_MAX}`,
    });
  }
  const missing = await missingPrograms(Object.keys(PROGRAMS));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => PROGRAMS[program] ?? program))];
  throw berthError('BERTH_PACKAGES_NEEDED', {
    packages,
    remedy: `install them; on Debian: apt-get install ${packages.join(' ')}`,
  });
}

function socketIn(dir: string): string {
  return join(dir, 'run', 'libvirt-sock');
}

function describe(dir: string, record: RunningRecord): KvmHost {
  const { name, release, place, identity, process: first } = record;
  const socket = socketIn(dir);
  const address = place === undefined ? undefined : addressOf(place.address);
  const known = `keyfile=${uriValue(identity)}&known_hosts=${uriValue(join(dir, 'run', 'known_hosts'))}`;
  return {
    name,
    dir,
    release,
    uri: libvirtSocketUri('system', socket),
    socket,
    pid: first.pid,
    ...(address === undefined
      ? {}
      : { address, sshUri: `qemu+ssh://root@${address}/system?${known}&sshauth=privkey` }),
    topology: kvmHostTopology(),
    guest: { kernel: `${HOST_IMAGES}/vmlinuz`, initrd: `${HOST_IMAGES}/initrd.gz` },
    run: async (argv, options) => runOnMachine({ dir, pid: first.pid, identity }, argv, options),
    command: (argv, options) => remoteCommand({ dir, pid: first.pid, identity }, argv, options),
    stop: async () => stopKvmHost(dir),
  };
}

async function clearFolder(dir: string): Promise<void> {
  const record = await readKvmHostRecord(dir);
  if (record === undefined) return;
  if (record.process !== undefined) await killProcess(record.process, STOP_DEADLINE_MS);
  if (record.place !== undefined) await removeLink(record.place);
  for (const folder of ['run', 'vm']) await rm(join(dir, folder), { recursive: true, force: true });
  await removeKvmHostRecord(dir);
}

/** The kernel removes it with the host's network, but later; a new host may want its name now. */
async function removeLink({ keeper, link }: NonNullable<KvmHostRecord['place']>): Promise<void> {
  if (!(await isRunning(keeper))) return;
  const remove = [...onLabNetwork(keeper.pid), 'ip', 'link', 'delete', link] as const;
  try {
    await runCommand(remove, { deadlineMs: COMMAND_DEADLINE_MS });
  } catch (error) {
    if (!isBerthError(error, 'BERTH_COMMAND_FAILED')) throw error; // it is gone already
  }
}

/** Restores the machine; one that cannot be restored is booted. */
async function startNew(
  dir: string,
  image: DebianImage,
  saved: SavedMachine | undefined,
  options: KvmHostOptions,
): Promise<KvmHost> {
  const deadline = AbortSignal.timeout(START_DEADLINE_MS);
  const signal = AbortSignal.any([deadline, ...(options.signal ? [options.signal] : [])]);
  try {
    try {
      const machine = { dir, image, ...(saved === undefined ? {} : { saved }) };
      return await startMachine(machine, options, signal);
    } catch (error) {
      const isRestore = isBerthError(error, 'BERTH_HYPERVISOR_FAILED') && saved !== undefined;
      if (!isRestore || signal.aborted) throw error;
      return await startMachine({ dir, image }, options, signal);
    }
  } catch (error) {
    const what = `the start of ${options.name}`;
    if (options.signal?.aborted === true) throw berthError('BERTH_INTERRUPTED', { what });
    if (!deadline.aborted) throw error;
    throw berthError('BERTH_DEADLINE', { what, afterMs: START_DEADLINE_MS });
  }
}

async function startMachine(
  machine: Pick<MachineOptions, 'dir' | 'image' | 'saved'>,
  options: KvmHostOptions,
  signal: AbortSignal,
): Promise<KvmHost> {
  const { dir, saved } = machine;
  const { place } = options;
  await using undo = new Undo();
  undo.add('clear the folder', async () => clearFolder(dir));
  const record = await newRecord(dir, options);
  await writeKvmHostRecord(dir, record);
  const keys = options.keys ?? (await ownKeys(dir, options.name, signal));
  await mkdir(join(dir, 'run'), { recursive: true, mode: 0o700 });
  await makeMachineFolder(machine, signal);
  signal.throwIfAborted();
  options.progress?.(saved === undefined ? 'booting' : 'restoring');
  const child = spawnMachine({ ...machine, ...(place ? { place } : {}), identity: keys.identity });
  undo.add('end the machine', async () => child.kill());
  child.say('enter');
  const first = await identifyProcess(await child.mainPid);
  if (first === undefined) return await child.failed;
  await writeKvmHostRecord(dir, { ...record, process: first });
  await child.made;
  if (place !== undefined) await connectToLab(place, first.pid, signal);
  child.say('start');
  await Promise.race([bringUp(child, machine, keys, options, signal), child.failed]);
  const ready = { ...record, process: first, ready: true };
  await writeKvmHostRecord(dir, ready);
  signal.throwIfAborted();
  undo.commit();
  child.say(options.endsWithCaller === true ? 'bind' : 'keep');
  if (options.endsWithCaller === true) child.hold();
  else child.release();
  return describe(dir, ready);
}

async function newRecord(dir: string, options: KvmHostOptions): Promise<KvmHostRecord> {
  const { name, release, place, keys } = options;
  const keeper = place === undefined ? undefined : await identifyProcess(place.keeper);
  return {
    name,
    release,
    identity: keys?.identity ?? ownKeyPaths(dir).identity,
    ...(place === undefined || keeper === undefined
      ? {}
      : { place: { keeper, link: place.link, address: place.address } }),
    ready: false,
  };
}

function ownKeyPaths(dir: string): MachineKeys {
  return { identity: join(dir, 'ssh_id'), hostKey: join(dir, 'ssh_host_key') };
}

async function ownKeys(dir: string, name: string, signal: AbortSignal): Promise<MachineKeys> {
  const keys = ownKeyPaths(dir);
  await makeSshKey(keys.identity, `owner of ${name}`, signal);
  await makeSshKey(keys.hostKey, name, signal);
  return keys;
}

/** Leads the machine from its first instruction, or from where it was saved, to libvirt's answer. */
async function bringUp(
  child: ReturnType<typeof spawnMachine>,
  { dir, saved }: Pick<MachineOptions, 'dir' | 'saved'>,
  keys: MachineKeys,
  options: KvmHostOptions,
  signal: AbortSignal,
): Promise<void> {
  const monitor = await connectMonitor(child, dir, signal);
  if (saved !== undefined) {
    await restoreState(monitor, signal);
    await monitor.execute('cont', {}, { deadlineMs: COMMAND_DEADLINE_MS, signal });
  }
  const agent = await AgentChannel.connect(machineFolder(dir), MACHINE_FILES.agent, {
    deadlineMs: saved === undefined ? BOOT_DEADLINE_MS : RESTORED_AGENT_DEADLINE_MS,
    signal,
  });
  options.progress?.('identity');
  await plugSriov(monitor, signal);
  await identifyMachine(agent, keys, { ...options, dir }, signal);
  agent.close();
  monitor.close();
  options.progress?.('libvirtd');
  await untilAnswers(libvirtSocketUri('system', socketIn(dir)), signal);
}

/** Under emulation, on a busy machine, a single answer may take longer than others are waited for. */
async function untilAnswers(uri: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await untilLibvirtAnswers(uri, signal);
      return;
    } catch (error) {
      if (!isBerthError(error, 'BERTH_DEADLINE') || signal.aborted) throw error;
    }
  }
}

async function plugSriov(monitor: Qmp, signal: AbortSignal): Promise<void> {
  const wait = { deadlineMs: COMMAND_DEADLINE_MS, signal };
  await monitor.execute('device_add', SRIOV_DEVICE, wait);
}
