import { chmod, copyFile, mkdtemp, rm } from 'node:fs/promises';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildGuestImage, type GuestImage } from '../../src/lab/guest/guest-image.ts';
import { buildDebianGuest } from '../../src/lab/guest/debian-guest.ts';
import { machineArch } from '../../src/lab/system/machine-arch.ts';
import {
  startNamespaceHost,
  type NamespaceHostOptions,
} from '../../src/lab/private-host/namespace-host.ts';
import { atProcessEnd } from './at-process-end.ts';
import type { PrivateHost } from '../../src/lab/private-host/private-host.ts';
import { runCommand } from '../../src/lab/system/run-command.ts';
import { missingPrograms } from '../../src/lab/system/system-path.ts';

/** A real libvirtd for tests, one per test process, ended with it. */
export interface LabHost {
  readonly uri: string;
  readonly dir: string;
  /** Where a test reads and writes what libvirt sees at `image`'s paths: logs, disks. */
  readonly images: PrivateHost['images'];
  /** The tiny guest, by the paths that libvirt sees. */
  readonly image: GuestImage;
  readonly host: PrivateHost;
}

/** Where what tests build is kept over runs. */
export const TEST_CACHE =
  process.env['BERTH_TEST_CACHE'] ?? fileURLToPath(new URL('../../.cache', import.meta.url));

/** What this machine lacks for tests with a real libvirtd; undefined when it has all. */
export async function labUnmetNeed(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'needs: root';
  const missing = await missingPrograms([
    'libvirtd',
    'virsh',
    'qemu-system-x86_64',
    'ip',
    'setsid',
  ]);
  return missing.length === 0 ? undefined : `needs: ${missing.join(', ')}`;
}

/** For `test(title, { skip: await labSkip() }, ...)`: the unmet need, or false. */
export async function labSkip(): Promise<string | false> {
  return (await labUnmetNeed()) ?? false;
}

let shared: Promise<LabHost> | undefined;

/**
 * The host of this test process, started on first use and ended with the process, however it ends.
 * Hidden: kvm, since tests must do the same on every machine.
 */
export function labHost(): Promise<LabHost> {
  shared ??= startLabHost('lab');
  return shared;
}

/** One more host, for tests that need several or another; ended with the process as well. */
export async function startLabHost(
  name: string,
  options: Partial<NamespaceHostOptions> = {},
): Promise<LabHost> {
  const dir = await labFolder();
  const standard = { name, hideKvm: true, endsWithCaller: true };
  return withGuestImage(await startNamespaceHost({ ...standard, ...options, dir }));
}

/** A host with the tiny guest's boot files put where its libvirt sees them. */
export async function withGuestImage(host: PrivateHost): Promise<LabHost> {
  const built = await buildTestImage();
  await copyFile(built.kernel, join(host.images.outside, 'vmlinuz'));
  await copyFile(built.initrd, join(host.images.outside, 'initrd.gz'));
  const image = {
    kernel: `${host.images.inside}/vmlinuz`,
    initrd: `${host.images.inside}/initrd.gz`,
    version: built.version,
  };
  return { uri: host.uri, dir: host.dir, images: host.images, image, host };
}

/** The tiny guest, built on first use and kept for later runs. */
export function buildTestImage(options: { readonly agent?: boolean } = {}): Promise<GuestImage> {
  return buildGuestImage({ dir: TEST_CACHE, arch: machineArch(process.arch), ...options });
}

/** The tiny guest with an agent, by the paths that libvirt sees on that host. */
export async function agentImage({ images }: Pick<LabHost, 'images'>): Promise<GuestImage> {
  const built = await buildTestImage({ agent: true });
  return { ...(await putBootFiles(images, 'agent', built)), version: built.version };
}

/** The small real guest as one host has it, with a disk of its own. */
export interface DebianGuestFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly disk: string;
}

/**
 * The small real guest, by the paths that libvirt sees on that host, with a new disk for a guest of
 * that name. Building it the first time takes a minute.
 */
export async function debianImage(
  { images }: Pick<LabHost, 'images'>,
  guest: string,
): Promise<DebianGuestFiles> {
  const built = await buildDebianGuest({ dir: TEST_CACHE, arch: machineArch(process.arch) });
  const boot = await putBootFiles(images, 'debian', built);
  await copyFile(built.image, join(images.outside, 'debian-base.qcow2'));
  const disk = join(images.outside, `${guest}.qcow2`);
  const overlay = ['-q', '-f', 'qcow2', '-F', 'qcow2', '-b', 'debian-base.qcow2', disk] as const;
  await runCommand(['qemu-img', 'create', ...overlay], { deadlineMs: 30_000 });
  await chmod(disk, 0o666); // QEMU runs as a user of its own
  return { ...boot, disk: `${images.inside}/${guest}.qcow2` };
}

async function putBootFiles(
  images: PrivateHost['images'],
  name: string,
  built: Pick<GuestImage, 'kernel' | 'initrd'>,
): Promise<Pick<GuestImage, 'kernel' | 'initrd'>> {
  await copyFile(built.kernel, join(images.outside, `vmlinuz-${name}`));
  await copyFile(built.initrd, join(images.outside, `initrd-${name}.gz`));
  return {
    kernel: `${images.inside}/vmlinuz-${name}`,
    initrd: `${images.inside}/initrd-${name}.gz`,
  };
}

const folders = new Set<string>();

/** A new folder for a host; the host in it is ended and the folder removed with the process. */
export async function labFolder(): Promise<string> {
  if (folders.size === 0) atProcessEnd(cleanUp);
  const dir = await mkdtemp(join(tmpdir(), 'berth-lab-'));
  folders.add(dir);
  return dir;
}

/** Ends the host in a folder of `labFolder` and removes the folder, before the process ends. */
export async function dropLabFolder(dir: string): Promise<void> {
  endHost(dir);
  await rm(dir, { recursive: true, force: true });
  folders.delete(dir);
}

function cleanUp(): void {
  for (const dir of folders) {
    endHost(dir);
    rmSync(dir, { recursive: true, force: true });
  }
  folders.clear();
}

function endHost(dir: string): void {
  if (!existsSync(join(dir, 'host.json'))) return;
  const script = fileURLToPath(new URL('private-host/stop-host.ts', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, dir], { encoding: 'utf8' });
  if (status !== 0) {
    const log = readFileSync(join(dir, 'init.log'), 'utf8');
    process.stderr.write(`could not end the host in ${dir}: ${stderr}\n${log}\n`);
  }
}
