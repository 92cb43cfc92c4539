import { copyFile, mkdir, readFile, readdir, symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, zstdDecompress } from 'node:zlib';
import { berthError, isBerthError, type BerthError } from '../../base/errors.ts';
import { kernelPackage, unpackPackage } from '../system/debian-packages.ts';
import { isStaticProgram } from './elf-file.ts';
import { hasErrno } from '../system/errno.ts';
import { modulesToLoad, parseModulesDep } from './kernel-modules.ts';
import { ARCH_WORDS, machineArch, type MachineArch } from '../system/machine-arch.ts';
import { runCommand } from '../system/run-command.ts';

const DEPMOD_DEADLINE_MS = 120_000;
const DECOMPRESS_DEADLINE_MS = 60_000;

export interface GuestPartsOptions {
  readonly arch: MachineArch;
  /** An empty folder to work in; the caller removes it. */
  readonly work: string;
  /** Kernel modules that the guest must have. */
  readonly modules: readonly string[];
  /** Kernel modules that it is to have at hand without loading them. */
  readonly spareModules: readonly string[];
  readonly signal?: AbortSignal;
  readonly progress?: (step: string) => void;
}

/** A kernel module, uncompressed, with its file's name. */
export interface ModuleFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/** What a guest image is put together from. */
export interface GuestParts {
  readonly kernel: string;
  readonly kernelVersion: string;
  /** In the order of loading, uncompressed. */
  readonly modules: readonly ModuleFile[];
  /** Those to have at hand, with what they need and is not loaded already. */
  readonly spareModules: readonly (ModuleFile & { readonly needs: readonly string[] })[];
  readonly busybox: Uint8Array;
}

/**
 * Gets the parts of the tiny guest: Debian's packages where apt can download them, else this
 * machine's own kernel and busybox where they can be read.
 * @throws as buildGuestImage says.
 */
export async function guestParts(options: GuestPartsOptions): Promise<GuestParts> {
  const busybox = await staticBusybox(options);
  const kernel = await findKernel(options);
  const text = async (name: string): Promise<string> =>
    readFile(join(kernel.modules, name), 'utf8');
  const dependencies = parseModulesDep(await text('modules.dep'));
  const builtin = await text('modules.builtin');
  const loaded = modulesToLoad(options.modules, dependencies, builtin);
  const all = modulesToLoad([...options.modules, ...options.spareModules], dependencies, builtin);
  const read = async (file: string): Promise<ModuleFile> =>
    readModule(join(kernel.modules, file), options);
  const modules = [];
  for (const file of loaded) modules.push(await read(file));
  const spareModules = [];
  for (const file of all.slice(loaded.length)) {
    const needs = (dependencies.get(file) ?? []).filter((other) => !loaded.includes(other));
    spareModules.push({ ...(await read(file)), needs: needs.map(uncompressedName) });
  }
  return { kernel: kernel.image, kernelVersion: kernel.version, modules, spareModules, busybox };
}

/** A kernel's files: its image and its /lib/modules/VERSION. */
interface KernelFiles {
  readonly version: string;
  readonly image: string;
  readonly modules: string;
}

async function findKernel(options: GuestPartsOptions): Promise<KernelFiles> {
  try {
    return await downloadKernel(options);
  } catch (error) {
    if (!cannotDownload(error)) throw error;
    const own = await ownKernel(options.arch);
    if (own !== undefined) return own;
    throw berthError(
      'BERTH_UNSUPPORTED',
      {
        what: 'the tiny guest',
        why: `apt can download no kernel (${error.message}), and none in /boot can be read with its modules; run apt-get update as root, or make /boot/vmlinuz-* readable`,
      },
      { cause: error },
    );
  }
}

/** True when there is no apt, or it has no such package, or the network is down. */
function cannotDownload(
  error: unknown,
): error is BerthError<'BERTH_PACKAGES_NEEDED' | 'BERTH_COMMAND_FAILED'> {
  return (
    isBerthError(error, 'BERTH_PACKAGES_NEEDED') || isBerthError(error, 'BERTH_COMMAND_FAILED')
  );
}

async function downloadKernel(options: GuestPartsOptions): Promise<KernelFiles> {
  options.progress?.('kernel package');
  const word = ARCH_WORDS[options.arch].debian;
  const foreign = options.arch !== machineArch(process.arch);
  const metapackage = `linux-image-cloud-${word}${foreign ? `:${word}` : ''}`;
  const name = await kernelPackage(metapackage, options);
  const root = await unpackPackage(foreign ? foreignName(name, word) : name, options.work, options);
  const [version] = await readdir(await modulesFolder(root));
  if (version === undefined) {
    throw berthError('BERTH_UNSUPPORTED', {
      what: `a guest with ${name}`,
      why: 'it has no modules',
    });
  }
  const modules = join(root, 'lib', 'modules', version);
  if (!(await readdir(modules)).includes('modules.dep')) {
    options.progress?.('kernel modules');
    await runCommand(['depmod', '-b', root, version], {
      deadlineMs: DEPMOD_DEADLINE_MS,
      writesTo: root,
      packages: ['kmod'],
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  }
  return { version, image: join(root, 'boot', `vmlinuz-${version}`), modules };
}

function foreignName(name: string, word: string): string {
  const [bare = name, version] = name.split('=');
  return `${bare}:${word}${version === undefined ? '' : `=${version}`}`;
}

/** Debian 13 and later have modules below /usr only, where a running system finds them by a link. */
async function modulesFolder(root: string): Promise<string> {
  if (!(await readdir(root)).includes('lib')) await symlink('usr/lib', join(root, 'lib'));
  return join(root, 'lib', 'modules');
}

/** The newest kernel of this machine that can be read and has its modules. */
async function ownKernel(arch: MachineArch): Promise<KernelFiles | undefined> {
  if (arch !== machineArch(process.arch)) return undefined;
  const names = await readdir('/boot').catch(() => []);
  const versions = names.flatMap((name) => /^vmlinuz-(.+)$/.exec(name)?.[1] ?? []);
  const order = new Intl.Collator('en', { numeric: true });
  for (const version of versions.toSorted((a, b) => order.compare(b, a))) {
    const files = {
      version,
      image: `/boot/vmlinuz-${version}`,
      modules: `/lib/modules/${version}`,
    };
    if ((await isReadable(files.image)) && (await isReadable(join(files.modules, 'modules.dep')))) {
      return files;
    }
  }
  return undefined;
}

async function isReadable(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}

/** busybox itself decompresses modules only if it was built so; the kernel likewise. */
async function readModule(path: string, options: GuestPartsOptions): Promise<ModuleFile> {
  const name = uncompressedName(path);
  const data = await readFile(path);
  if (path.endsWith('.gz')) return { name, data: await promisify(gunzip)(data) };
  if (path.endsWith('.zst')) return { name, data: await promisify(zstdDecompress)(data) };
  if (!path.endsWith('.xz')) return { name, data };
  const folder = join(options.work, 'unpacked-modules');
  await mkdir(folder, { recursive: true });
  await copyFile(path, join(folder, `${name}.xz`));
  await runCommand(['xz', '-d', `${name}.xz`], {
    cwd: folder,
    writesTo: folder,
    deadlineMs: DECOMPRESS_DEADLINE_MS,
    packages: ['xz-utils'],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return { name, data: await readFile(join(folder, name)) };
}

function uncompressedName(path: string): string {
  return basename(path).replace(/\.(gz|xz|zst)$/, '');
}

const BUSYBOX_PLACES: readonly string[] = ['/bin/busybox', '/usr/bin/busybox', '/sbin/busybox'];

/** This machine's busybox if it runs alone and on that architecture, else Debian's. */
async function staticBusybox(options: GuestPartsOptions): Promise<Uint8Array> {
  for (const path of BUSYBOX_PLACES) {
    const bytes = await readIfThere(path);
    if (bytes !== undefined && isStaticProgram(bytes, options.arch)) return bytes;
  }
  options.progress?.('busybox package');
  try {
    return await downloadBusybox(options);
  } catch (error) {
    if (!cannotDownload(error)) throw error;
    throw berthError(
      'BERTH_PACKAGES_NEEDED',
      {
        packages: ['busybox-static'],
        remedy: 'install a statically linked busybox, then try again',
      },
      { cause: error },
    );
  }
}

async function downloadBusybox(options: GuestPartsOptions): Promise<Uint8Array> {
  const word = ARCH_WORDS[options.arch].debian;
  const foreign = options.arch !== machineArch(process.arch);
  const name = `busybox-static${foreign ? `:${word}` : ''}`;
  const root = await unpackPackage(name, options.work, options);
  for (const place of ['bin/busybox', 'usr/bin/busybox']) {
    const bytes = await readIfThere(join(root, place));
    if (bytes !== undefined && isStaticProgram(bytes, options.arch)) return bytes;
  }
  throw berthError('BERTH_PACKAGES_NEEDED', {
    packages: [name],
    remedy: 'the package of that name holds no statically linked busybox; install one',
  });
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}
