import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { berthError } from '../../base/errors.ts';
import type { HostTopology } from '../../model/topology.ts';
import { checkSocketPath, libvirtSocketUri, uriValue } from '../private-host/libvirt-ready.ts';
import type { NetworkPlace } from '../private-host/network-place.ts';
import { isDiskFull } from '../system/errno.ts';
import { lockFolder } from '../system/folder-lock.ts';
import type { CommandOutput } from '../system/run-command.ts';
import { requirePrograms } from '../system/system-path.ts';
import {
  clearFolder,
  knownHostsIn,
  runningRecord,
  socketIn,
  type RunningRecord,
} from './kvm-host-folder.ts';
import { buildKvmHostImage, HOST_IMAGES, type KvmHostRelease } from './kvm-host-image.ts';
import { readKvmHostRecord } from './kvm-host-record.ts';
import { kvmHostTopology } from './kvm-machine.ts';
import type { MachineKeys } from './machine-identity.ts';
import { addressOf } from './machine-process.ts';
import { startMachine } from './machine-start.ts';
import { remoteCommand, runOnMachine, type RemoteOptions } from './remote-command.ts';
import { savedMachine } from './saved-machine.ts';

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
 * leaves is files only, which the next start or stop removes.
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
    const saved = await savedMachine({ ...options, dir: options.cache, image });
    const parts = { image, ...(saved === undefined ? {} : { saved }) };
    return describe(dir, await startMachine(dir, parts, options));
  } catch (error) {
    if (options.signal?.aborted === true) {
      throw berthError('BERTH_INTERRUPTED', { what: `the start of ${options.name}` });
    }
    if (!isDiskFull(error)) throw error;
    throw berthError('BERTH_DISK_FULL', { what: 'the KVM host', path: dir }, { cause: error });
  }
}

/** The host that runs in a folder; nothing of one that does not is removed. */
export async function lookAtKvmHost(folder: string): Promise<KvmHost | undefined> {
  const dir = resolve(folder);
  const running = await runningRecord(dir);
  return running && describe(dir, running);
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
  checkSocketPath(dir, socketIn(dir));
  await requirePrograms(PROGRAMS);
}

function describe(dir: string, record: RunningRecord): KvmHost {
  const { name, release, place, identity, process: first } = record;
  const socket = socketIn(dir);
  const address = place === undefined ? undefined : addressOf(place.address);
  const known = `keyfile=${uriValue(identity)}&known_hosts=${uriValue(knownHostsIn(dir))}`;
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
