import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { MIB } from '../../base/units.ts';
import { buildFolder } from '../system/built-folder.ts';
import type { MachineArch } from '../system/machine-arch.ts';
import { writeCpio, type CpioEntry } from './cpio.ts';
import { guestAgentFiles, type GuestFile } from './guest-agent.ts';
import { guestParts, type GuestParts } from './guest-parts.ts';

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
 * What the guest with an agent has besides for `modprobe` to load: VLANs, SCSI disks and CD-ROMs,
 * memory that grows.
 */
const SPARE_MODULES: readonly string[] = ['8021q', 'sd_mod', 'sr_mod', 'isofs', 'virtio_mem'];

/**
 * What must be free to begin: a kernel's package, all of its files and the image. Debian 12's cloud
 * kernel takes 140 MiB of it for a moment.
 */
const WORK_BYTES = 200 * MIB;

export interface GuestImageOptions {
  /** The folder that images are kept in; made when missing. */
  readonly dir: string;
  readonly arch: MachineArch;
  /** True puts QEMU's guest agent in, which makes the image three times as large. */
  readonly agent?: boolean;
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
 * ends by ACPI shutdown. Command line: `console=ttyS0 quiet berth.hostname=NAME berth.dhcp`. With
 * an agent, the agent answers where the guest has the channel org.qemu.guest_agent.0.
 *
 * It is built once for each recipe and kept under a name made of that recipe's content; the next
 * call returns at once. Nothing is installed and no root is needed: packages are downloaded and
 * unpacked. Without apt, the kernel of this machine is taken if it can be read; the agent needs apt.
 * @throws BERTH_PACKAGES_NEEDED, BERTH_UNSUPPORTED (no kernel or agent to be had; says what to do),
 *   BERTH_COMMAND_FAILED, BERTH_DISK_FULL, BERTH_INTERRUPTED; nothing half-made stays.
 */
export async function buildGuestImage(options: GuestImageOptions): Promise<GuestImage> {
  const scripts = await readScripts();
  const key = recipeKey(options, scripts);
  const { path, version } = await buildFolder({
    dir: resolve(options.dir),
    name: `guest-${options.agent === true ? 'agent-' : ''}${options.arch}-${key}`,
    what: 'the guest image',
    workBytes: WORK_BYTES,
    make: async (partial) => makeImage(partial, key, scripts, options),
  });
  return { ...filesIn(path), version };
}

interface Scripts {
  readonly init: Buffer;
  readonly dhcp: Buffer;
  readonly agent: Buffer;
  readonly shutdown: Buffer;
}

async function readScripts(): Promise<Scripts> {
  const read = async (name: string): Promise<Buffer> =>
    readFile(fileURLToPath(new URL(`../../../src/lab/guest/${name}`, import.meta.url)));
  return {
    init: await read('guest-init.sh'),
    dhcp: await read('guest-dhcp.sh'),
    agent: await read('guest-agent.sh'),
    shutdown: await read('guest-shutdown.sh'),
  };
}

function recipeKey({ arch, agent }: GuestImageOptions, scripts: Scripts): string {
  const hash = createHash('sha256').update(JSON.stringify([RECIPE, arch, MODULES]));
  hash.update(scripts.init).update(scripts.dhcp);
  if (agent === true) {
    hash.update(JSON.stringify(SPARE_MODULES)).update(scripts.agent).update(scripts.shutdown);
  }
  return hash.digest('hex').slice(0, 12);
}

function filesIn(folder: string): Pick<GuestImage, 'kernel' | 'initrd'> {
  return { kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd.gz') };
}

async function makeImage(
  folder: string,
  key: string,
  scripts: Scripts,
  options: GuestImageOptions,
): Promise<string> {
  const work = join(folder, 'work');
  const agentWork = join(work, 'agent');
  await mkdir(agentWork, { recursive: true });
  const spareModules = options.agent === true ? SPARE_MODULES : [];
  const parts = await guestParts({ ...options, work, modules: MODULES, spareModules });
  const agent =
    options.agent === true ? await guestAgentFiles({ ...options, work: agentWork }) : undefined;
  options.progress?.('initramfs');
  const entries = [...initramfs(parts, scripts)];
  if (agent !== undefined) entries.push(...agentEntries(agent, parts, scripts));
  const { kernel, initrd } = filesIn(folder);
  await writeFile(initrd, await promisify(gzip)(writeCpio(entries), { level: 9 }), { mode: 0o644 });
  await copyFile(parts.kernel, kernel);
  await rm(work, { recursive: true });
  return `${parts.kernelVersion}-${key}`;
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

const OS_RELEASE = Buffer.from(
  'ID=berth-guest\nNAME="Guest of Berth"\nPRETTY_NAME="Guest of Berth"\n',
);

/** What the image with an agent has more than the plain one. */
function agentEntries(
  agent: readonly GuestFile[],
  parts: GuestParts,
  scripts: Scripts,
): readonly CpioEntry[] {
  const folder = `lib/modules/${parts.kernelVersion}`;
  const spare = parts.spareModules.map(({ name, data }) => ({ path: `${folder}/${name}`, data }));
  const loaders = agent.filter(({ path }) => path.startsWith('lib64/'));
  return [
    ...(loaders.length > 0 ? [{ kind: 'folder', path: 'lib64' } as const] : []),
    ...agent.map(({ path, data }) => ({ kind: 'file', path, mode: 0o755, data }) as const),
    { kind: 'file', path: 'etc/rc.local', mode: 0o755, data: scripts.agent },
    { kind: 'file', path: 'etc/os-release', mode: 0o644, data: OS_RELEASE },
    { kind: 'file', path: 'bin/shutdown', mode: 0o755, data: scripts.shutdown },
    { kind: 'folder', path: folder },
    { kind: 'file', path: `${folder}/modules.dep`, mode: 0o644, data: dependencies(parts) },
    ...spare.map(({ path, data }) => ({ kind: 'file', path, mode: 0o644, data }) as const),
  ];
}

/** modules.dep for modprobe (depmod(8)). */
function dependencies({ spareModules }: GuestParts): Buffer {
  const lines = spareModules.map(({ name, needs }) => `${name}: ${needs.join(' ')}\n`);
  return Buffer.from(lines.join(''));
}
