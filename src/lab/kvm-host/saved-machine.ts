import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { berthError, isBerthError } from '../../base/errors.ts';
import { GIB } from '../../base/units.ts';
import { identifyProcess } from '../system/process-identity.ts';
import { buildFolder } from '../system/built-folder.ts';
import type { DebianImage } from '../system/debian-image.ts';
import { runCommand } from '../system/run-command.ts';
import { AgentChannel } from './agent-channel.ts';
import { machineArguments, MACHINE_FDS, MACHINE_FILES } from './kvm-machine.ts';
import {
  connectMonitor,
  EMULATOR,
  giveToEmulator,
  machineFolder,
  makeMachineFolder,
  spawnMachine,
  type SavedMachine,
} from './machine-process.ts';
import type { JsonObject } from './json-channel.ts';
import type { Qmp } from './qmp.ts';

/** Changes whenever the way machines are saved changes, but for what they are made of. */
const RECIPE = 1;

/** Memory of the machine that is in use, and what its first boot writes to the disk. */
const WORK_BYTES = 2 * GIB;

/** A boot takes one minute on two cores that have nothing else to do, and three on busy ones. */
export const BOOT_DEADLINE_MS = 400_000;
/** Of some twenty boots one hung before the kernel's first line. */
const BOOTS_MAX = 2;
const SETTLE_DEADLINE_MS = 300_000;
const TRANSFER_DEADLINE_MS = 120_000;
const COMMAND_DEADLINE_MS = 60_000;
/** No limit but the disk's: QEMU's own is 128 MiB a second. */
const TRANSFER_BYTES_PER_SECOND = 8 * GIB;

export interface SaveOptions {
  /** The folder that saved machines are kept in. */
  readonly dir: string;
  readonly image: DebianImage;
  readonly signal?: AbortSignal;
  /** Hears `first boot`, `settling`, `saving`. */
  readonly progress?: (step: string) => void;
}

/**
 * Boots a machine once and saves it at rest: all services up, libvirt's knowledge of QEMU gathered.
 * It is kept for the image, this machine's QEMU and what the machine is made of.
 * @throws BERTH_HYPERVISOR_FAILED, BERTH_COMMAND_FAILED, BERTH_DISK_FULL, BERTH_DEADLINE,
 *   BERTH_INTERRUPTED, BERTH_PACKAGES_NEEDED.
 */
export async function savedMachine(options: SaveOptions): Promise<SavedMachine> {
  const settle = await readFile(scriptPath('settle.sh'), 'utf8');
  const { path } = await buildFolder({
    dir: resolve(options.dir),
    name: `kvm-host-saved-${await stateKey(options, settle)}`,
    what: 'the saved KVM host',
    workBytes: WORK_BYTES,
    make: async (partial) => {
      for (let boot = 1; ; boot++) {
        try {
          await makeSaved(partial, settle, options);
          return options.image.version;
        } catch (error) {
          if (!isBerthError(error, 'BERTH_DEADLINE') || boot === BOOTS_MAX) throw error;
        }
      }
    },
  });
  return savedIn(path);
}

/** A script that runs inside the machine. */
export function scriptPath(name: string): string {
  return fileURLToPath(new URL(`../../../src/lab/kvm-host/${name}`, import.meta.url));
}

/** Has the machine go on from its saved state, which was inherited; it does not run yet. */
export async function restoreState(monitor: Qmp, signal: AbortSignal): Promise<void> {
  const wait = { deadlineMs: TRANSFER_DEADLINE_MS, signal };
  await hearOfTransfer(monitor, signal);
  await monitor.execute('migrate-incoming', { uri: `fd:${MACHINE_FDS.state}` }, wait);
  await endOfTransfer(monitor, signal);
}

async function stateKey({ image }: SaveOptions, settle: string): Promise<string> {
  const { stdout } = await runCommand([EMULATOR, '--version'], {
    deadlineMs: COMMAND_DEADLINE_MS,
    packages: ['qemu-system-x86'],
  });
  const parts = [RECIPE, image.version, stdout, machineArguments('restore'), settle];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12);
}

function savedIn(folder: string): SavedMachine {
  return { disk: join(folder, 'disk.qcow2'), state: join(folder, 'state') };
}

async function makeSaved(partial: string, settle: string, options: SaveOptions): Promise<void> {
  const dir = join(partial, 'run');
  const signal = options.signal ?? new AbortController().signal;
  const machine = { dir, image: options.image };
  await mkdir(dir, { recursive: true });
  await makeMachineFolder(machine, signal);
  options.progress?.('first boot');
  const child = spawnMachine(machine);
  try {
    child.say('enter');
    await identifyProcess(await child.mainPid);
    await child.made;
    child.say('start');
    const monitor = await connectMonitor(child, dir, signal);
    const saved = savedIn(partial);
    const work = async (): Promise<void> => {
      await settleMachine(dir, settle, options, signal);
      options.progress?.('saving');
      await saveState(monitor, dir, saved.state, signal);
    };
    await Promise.race([work(), child.failed]);
    monitor.close();
    await child.kill();
    await rename(join(machineFolder(dir), MACHINE_FILES.disk), saved.disk);
    for (const path of [saved.disk, saved.state]) await chmod(path, 0o644);
  } finally {
    await child.kill();
  }
  await rm(dir, { recursive: true });
}

async function settleMachine(
  dir: string,
  settle: string,
  options: SaveOptions,
  signal: AbortSignal,
): Promise<void> {
  const agent = await AgentChannel.connect(machineFolder(dir), MACHINE_FILES.agent, {
    deadlineMs: BOOT_DEADLINE_MS,
    signal,
  });
  options.progress?.('settling');
  const what = 'bringing the KVM host to rest';
  await agent.runScript(settle, [], { deadlineMs: SETTLE_DEADLINE_MS, signal, what });
  agent.close();
}

/** Stops the machine and writes its memory and devices to a file. */
async function saveState(
  monitor: Qmp,
  dir: string,
  file: string,
  signal: AbortSignal,
): Promise<void> {
  const wait = { deadlineMs: TRANSFER_DEADLINE_MS, signal };
  await using receiver = await receiveInto(machineFolder(dir), file);
  await monitor.execute('stop', {}, wait);
  await hearOfTransfer(monitor, signal);
  const limits = { 'max-bandwidth': TRANSFER_BYTES_PER_SECOND };
  await monitor.execute('migrate-set-parameters', limits, wait);
  await monitor.execute('migrate', { uri: `unix:${MACHINE_FILES.saving}` }, wait);
  await endOfTransfer(monitor, signal);
  await receiver.written;
}

async function hearOfTransfer(monitor: Qmp, signal: AbortSignal): Promise<void> {
  const capabilities = [{ capability: 'events', state: true }];
  const wait = { deadlineMs: COMMAND_DEADLINE_MS, signal };
  await monitor.execute('migrate-set-capabilities', { capabilities }, wait);
}

/** @throws BERTH_HYPERVISOR_FAILED when it did not succeed. */
async function endOfTransfer(monitor: Qmp, signal: AbortSignal): Promise<void> {
  const isEnd = ({ status }: JsonObject): boolean => status === 'completed' || status === 'failed';
  const wait = { deadlineMs: TRANSFER_DEADLINE_MS, signal };
  const { status } = await monitor.event('MIGRATION', isEnd, wait);
  if (status === 'completed') return;
  throw berthError('BERTH_HYPERVISOR_FAILED', {
    problem: "QEMU could not transfer the machine's state",
    log: 'none',
  });
}

/** Listens in the emulator's folder, and writes what the first caller sends to a file. */
async function receiveInto(
  folder: string,
  file: string,
): Promise<AsyncDisposable & { readonly written: Promise<void> }> {
  const { promise: caller, resolve: called, reject } = Promise.withResolvers<Socket>();
  const server = createServer(called).on('error', reject);
  const directory = await open(folder); // by its descriptor the path is short enough for a socket
  const path = `/proc/self/fd/${directory.fd}/${MACHINE_FILES.saving}`;
  const listening = Promise.withResolvers<undefined>();
  server.listen(path, () => listening.resolve(undefined));
  await Promise.race([listening.promise, caller]);
  await giveToEmulator(path);
  const written = caller.then(async (socket) => pipeline(socket, createWriteStream(file)));
  written.catch(() => undefined);
  return {
    written,
    [Symbol.asyncDispose]: async (): Promise<void> => {
      server.close();
      await directory.close();
    },
  };
}
