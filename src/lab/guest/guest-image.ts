import { createHash, randomUUID } from 'node:crypto';
import {
  copyFile,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { berthError } from '../../base/errors.ts';
import { formatSize, MIB } from '../../base/units.ts';
import { writeCpio, type CpioEntry } from './cpio.ts';
import { hasErrno, isDiskFull } from '../system/errno.ts';
import { guestParts, type GuestParts } from './guest-parts.ts';
import type { MachineArch } from '../system/machine-arch.ts';
import { identifyProcess, isRunning } from '../system/process-identity.ts';

/** Changes whenever the way images are made changes but for the scripts and modules below. */
const RECIPE = 1;

/**
 * What the guest's kernel must be able to drive: each kind of virtio device, and the power button
 * (`button` hears ACPI, `evdev` hands it to acpid), by which a shutdown is asked for.
 */
const MODULES: readonly string[] = [
  'virtio_pci',
  'virtio_blk',
  'virtio_net',
  'virtio_scsi',
  'virtio_balloon',
  'virtio_console',
  'virtio_rng',
  'button',
  'evdev',
];

/**
 * What must be free to begin: a kernel's package, all of its files and the image. Debian 12's cloud
 * kernel takes 140 MiB of it for a moment.
 */
const WORK_BYTES = 200 * MIB;

export interface GuestImageOptions {
  /** The folder that images are kept in; made when missing. */
  readonly dir: string;
  readonly arch: MachineArch;
  readonly signal?: AbortSignal;
  readonly progress?: (step: string) => void;
}

/** A kernel and an initramfs to boot directly, a few MiB together. */
export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
  /** The kernel's version and the content of what was put around it. */
  readonly version: string;
}

/**
 * The tiny guest: Debian's cloud kernel with busybox in an initramfs. It boots in seconds under
 * emulation with 128 MiB, says `READY <uptime in seconds>` on its console, gives a shell there, and
 * ends by ACPI shutdown. Command line: `console=ttyS0 quiet berth.hostname=NAME berth.dhcp`.
 *
 * It is built once for each recipe and kept under a name made of that recipe's content; the next
 * call returns at once. Nothing is installed and no root is needed: packages are downloaded and
 * unpacked. Without apt, the kernel of this machine is taken if it can be read.
 * @throws BERTH_PACKAGES_NEEDED, BERTH_UNSUPPORTED (no kernel to be had; says what to do),
 *   BERTH_COMMAND_FAILED, BERTH_DISK_FULL, BERTH_INTERRUPTED; nothing half-made stays.
 */
export async function buildGuestImage(options: GuestImageOptions): Promise<GuestImage> {
  const dir = resolve(options.dir);
  const scripts = await readScripts();
  const key = recipeKey(options.arch, scripts);
  const target = join(dir, `guest-${options.arch}-${key}`);
  const kept = await keptImage(target);
  if (kept !== undefined) return kept;
  await mkdir(dir, { recursive: true });
  await removeAbandoned(dir);
  await checkSpace(dir);
  const partial = join(dir, `${PARTIAL}${await ownMark()}.${randomUUID()}`);
  try {
    await mkdir(partial);
    const version = await makeImage(partial, key, scripts, options);
    await renameUnlessThere(partial, target);
    return imageIn(target, version);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw berthError('BERTH_DISK_FULL', { what: 'the guest image', path: dir }, { cause: error });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** apt would try again and again to write to a full disk, for twenty seconds. */
async function checkSpace(dir: string): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  if (bavail * bsize >= WORK_BYTES) return;
  const what = `the making of the guest image, which takes ${formatSize(WORK_BYTES)},`;
  throw berthError('BERTH_DISK_FULL', { what, path: dir });
}

interface Scripts {
  readonly init: Buffer;
  readonly dhcp: Buffer;
}

async function readScripts(): Promise<Scripts> {
  const read = async (name: string): Promise<Buffer> =>
    readFile(fileURLToPath(new URL(`../../../src/lab/guest/${name}`, import.meta.url)));
  return { init: await read('guest-init.sh'), dhcp: await read('guest-dhcp.sh') };
}

function recipeKey(arch: MachineArch, { init, dhcp }: Scripts): string {
  const hash = createHash('sha256').update(JSON.stringify([RECIPE, arch, MODULES]));
  return hash.update(init).update(dhcp).digest('hex').slice(0, 12);
}

function imageIn(folder: string, version: string): GuestImage {
  return { kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd.gz'), version };
}

/** The folder was renamed into place whole, so that its version can be read means that all is there. */
async function keptImage(folder: string): Promise<GuestImage | undefined> {
  try {
    return imageIn(folder, (await readFile(join(folder, 'version'), 'utf8')).trim());
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function makeImage(
  folder: string,
  key: string,
  scripts: Scripts,
  options: GuestImageOptions,
): Promise<string> {
  const work = join(folder, 'work');
  await mkdir(work);
  const parts = await guestParts({ ...options, work, modules: MODULES });
  options.progress?.('initramfs');
  const archive = writeCpio(initramfs(parts, scripts));
  const image = imageIn(folder, `${parts.kernelVersion}-${key}`);
  await writeFile(image.initrd, await promisify(gzip)(archive, { level: 9 }), { mode: 0o644 });
  await copyFile(parts.kernel, image.kernel);
  await writeFile(join(folder, 'version'), `${image.version}\n`);
  await rm(work, { recursive: true });
  return image.version;
}

function initramfs(parts: GuestParts, scripts: Scripts): readonly CpioEntry[] {
  const modules = parts.modules.map(({ name, data }) => ({ path: `lib/modules/${name}`, data }));
  const list = modules.map(({ path }) => `/${path}\n`).join('');
  const folders = ['bin', 'dev', 'etc', 'etc/acpi', 'etc/acpi/PWRF', 'lib', 'lib/modules'];
  folders.push('mnt', 'proc', 'root', 'run', 'sys', 'tmp', 'usr', 'var');
  return [
    ...folders.map((path) => ({ kind: 'folder', path }) as const),
    { kind: 'link', path: 'sbin', target: 'bin' },
    { kind: 'link', path: 'usr/bin', target: '../bin' },
    { kind: 'link', path: 'var/run', target: '../run' },
    { kind: 'link', path: 'bin/sh', target: 'busybox' },
    { kind: 'device', path: 'dev/console', mode: 0o600, device: [5, 1] },
    { kind: 'file', path: 'bin/busybox', mode: 0o755, data: parts.busybox },
    { kind: 'file', path: 'init', mode: 0o755, data: scripts.init },
    { kind: 'file', path: 'etc/udhcpc.sh', mode: 0o755, data: scripts.dhcp },
    // Where busybox' acpid looks for what a pressed power button does.
    { kind: 'file', path: 'etc/acpi/PWRF/00000080', mode: 0o755, data: POWER_BUTTON },
    { kind: 'file', path: 'etc/modules', mode: 0o644, data: Buffer.from(list) },
    ...modules.map(({ path, data }) => ({ kind: 'file', path, mode: 0o644, data }) as const),
  ];
}

const POWER_BUTTON = Buffer.from('#!/bin/sh\nexec poweroff -f\n');

/** Somebody else may have built the same meanwhile; one is as good as the other. */
async function renameUnlessThere(partial: string, target: string): Promise<void> {
  try {
    await rename(partial, target);
  } catch (error) {
    if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

const PARTIAL = 'partial.';

/** What tells a builder that is at work from one that was killed. */
async function ownMark(): Promise<string> {
  const own = await identifyProcess(process.pid);
  return `${process.pid}.${own?.startTicks ?? ''}`;
}

async function removeAbandoned(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const [pid, startTicks] = name.startsWith(PARTIAL) ? name.split('.').slice(1) : [];
    if (pid === undefined || startTicks === undefined) continue;
    const bootId = (await identifyProcess(process.pid))?.bootId ?? '';
    if (await isRunning({ pid: Number(pid), startTicks, bootId })) continue;
    await rm(join(dir, name), { recursive: true, force: true });
  }
}
