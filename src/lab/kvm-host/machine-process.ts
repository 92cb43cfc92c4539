import { chmod, chown, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isBerthError } from '../../base/errors.ts';
import { InitProcess } from '../private-host/init-process.ts';
import { withinLab, type NetworkPlace } from '../private-host/network-place.ts';
import type { DebianImage } from '../system/debian-image.ts';
import { runCommand } from '../system/run-command.ts';
import { SYSTEM_PATH } from '../system/system-path.ts';
import { machineArguments, MACHINE_FILES, NICS } from './kvm-machine.ts';
import { Qmp } from './qmp.ts';

/** The emulator's program. */
export const EMULATOR = 'qemu-system-x86_64';

/**
 * "nobody", by number, since distributions name it differently. The emulator needs no rights: what
 * it reads is handed to it, and what it writes lies in a folder of its own.
 */
const EMULATOR_USER = 65_534;

/** Both ends of the way to the machine that needs no lab; on no network but the host's own tap. */
export const MANAGEMENT = { ours: '169.254.77.1/30', machines: '169.254.77.2/30' } as const;

const DISK_DEADLINE_MS = 30_000;
const LOOK_AGAIN_MS = 20;

const INIT_SCRIPT = fileURLToPath(
  new URL('../../../src/lab/kvm-host/kvm-host-init.sh', import.meta.url),
);

/** A machine at rest, to go on from. */
export interface SavedMachine {
  readonly disk: string;
  readonly state: string;
}

export interface MachineOptions {
  /** The host's folder. */
  readonly dir: string;
  readonly image: DebianImage;
  /** Absent: the machine boots. */
  readonly saved?: SavedMachine;
  readonly place?: NetworkPlace;
  /** Private key for the machine; absent where nobody will enter it by SSH. */
  readonly identity?: string;
}

/** The folder below a host's that its emulator runs in. */
export function machineFolder(dir: string): string {
  return join(dir, 'vm');
}

/** Makes an empty folder for the emulator, with a disk in it that has nothing on it of its own. */
export async function makeMachineFolder(
  { dir, image }: MachineOptions,
  signal: AbortSignal,
): Promise<void> {
  const folder = machineFolder(dir);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  const disk = join(folder, MACHINE_FILES.disk);
  // The layer below is named for qemu-img only, which wants its size; the emulator is told its own.
  const create = [
    'qemu-img',
    'create',
    '-q',
    '-f',
    'qcow2',
    '-F',
    'qcow2',
    '-b',
    image.image,
  ] as const;
  await runCommand([...create, disk], {
    deadlineMs: DISK_DEADLINE_MS,
    writesTo: folder,
    packages: ['qemu-utils'],
    signal,
  });
  await chmod(disk, 0o600);
  for (const path of [folder, disk]) await chown(path, EMULATOR_USER, EMULATOR_USER);
}

/** The process that a machine begins with; it waits for its first words. */
export function spawnMachine(options: MachineOptions): InitProcess {
  const { dir, image, saved, place, identity } = options;
  const start = saved === undefined ? 'boot' : 'restore';
  return new InitProcess({
    what: 'the KVM host',
    script: [INIT_SCRIPT, 'start', EMULATOR, ...machineArguments(start)],
    ...(place === undefined ? {} : { within: withinLab(place.keeper) }),
    dir,
    env: {
      PATH: SYSTEM_PATH,
      LC_ALL: 'C',
      BERTH_DIR: dir,
      BERTH_PLACED: place === undefined ? 'no' : 'yes',
      BERTH_USER: `${EMULATOR_USER}`,
      BERTH_NICS: NICS.map(({ name }) => name).join(' '),
      BERTH_MANAGEMENT: MANAGEMENT.ours,
      BERTH_TARGET: addressOf(MANAGEMENT.machines),
      BERTH_IDENTITY: identity ?? '',
      BERTH_BASE: image.image,
      BERTH_KERNEL: image.kernel,
      BERTH_INITRD: image.initrd,
      BERTH_SAVED_DISK: saved?.disk ?? '',
      BERTH_STATE: saved?.state ?? '',
    },
  });
}

/** Lets the emulator bind or open what is made in its folder for it. */
export async function giveToEmulator(path: string): Promise<void> {
  await chown(path, EMULATOR_USER, EMULATOR_USER);
}

/** The address of an address with prefix. */
export function addressOf(cidr: string): string {
  return cidr.replace(/\/.*$/, '');
}

/** The emulator's monitor, as soon as it listens; the socket has no event of its coming. */
export async function connectMonitor(
  child: InitProcess,
  dir: string,
  signal: AbortSignal,
): Promise<Qmp> {
  const stop = new AbortController();
  const attempts = tryMonitor(dir, AbortSignal.any([signal, stop.signal]));
  attempts.catch(() => undefined); // not awaited any more when the child has failed
  try {
    return await Promise.race([attempts, child.failed]);
  } finally {
    stop.abort();
  }
}

async function tryMonitor(dir: string, signal: AbortSignal): Promise<Qmp> {
  for (;;) {
    try {
      return await Qmp.connect(machineFolder(dir), MACHINE_FILES.monitor, signal);
    } catch (error) {
      if (!isBerthError(error, 'BERTH_CONNECTION_CLOSED')) throw error;
      await delay(LOOK_AGAIN_MS, undefined, { signal });
    }
  }
}
