import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  mkdir,
  readFile,
  readdir,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { GIB } from '../../base/units.ts';
import { buildFolder } from './built-folder.ts';
import {
  checkDebianTree,
  checkTreeMachine,
  makeDebianTree,
  type DebianTreeOptions,
  type TreeFile,
} from './debian-tree.ts';
import { ARCH_WORDS } from './machine-arch.ts';
import { runCommand, type Argv } from './run-command.ts';

/** Changes whenever the way images are made changes but for what the caller gives. */
const RECIPE = 1;

const FILE_SYSTEM_DEADLINE_MS = 5 * 60_000;

/** The tree, the raw file system and the image of it are there together for a moment. */
const WORK_BYTES = 4 * GIB;

/** The programs needed beside those for the tree, and the packages that bring them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  mke2fs: 'e2fsprogs',
  'qemu-img': 'qemu-utils',
};

export interface DebianImageOptions extends DebianTreeOptions {
  /** The folder that images are kept in; made when missing. */
  readonly dir: string;
  /** Begins the name of what is kept: `debian`. */
  readonly name: string;
  /** Name of the kernel's metapackage less the architecture: `linux-image` or `linux-image-cloud`. */
  readonly kernel: 'linux-image' | 'linux-image-cloud';
  /** Modules that the initrd must bring to mount the root: `virtio_blk`. */
  readonly bootModules: readonly string[];
  /** Size of the disk; what is not used of it takes no space. */
  readonly sizeBytes: number;
  /** Hears `packages`, `file system`, `image`. */
  readonly progress?: (step: string) => void;
}

/** A disk with a root file system, and a kernel to boot it directly with `root=/dev/vda`. */
export interface DebianImage {
  /** qcow2, one ext4 file system without partitions; to be used as a backing file only. */
  readonly image: string;
  readonly kernel: string;
  readonly initrd: string;
  /** The kernel's version and the content of the recipe. */
  readonly version: string;
}

/**
 * Builds a disk with a small Debian from packages, by the apt sources of this machine. Manuals and
 * translations are left out, and the file system has no journal: it is meant as the first layer
 * of disks that are thrown away. Nothing is configured but what `files` brings.
 *
 * It is built once for each recipe (the options and the content of the files) and kept under a name
 * made of it; the next call returns at once. A package that became newer since changes nothing.
 * Needs root. Takes one minute on two cores; a kill -9 ends it with all its processes and mounts.
 * @throws BERTH_PERMISSION, BERTH_PACKAGES_NEEDED, BERTH_UNSUPPORTED (no sources, or a foreign
 *   architecture), BERTH_COMMAND_FAILED, BERTH_DISK_FULL, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function buildDebianImage(options: DebianImageOptions): Promise<DebianImage> {
  checkDebianTree(options, [options.name, ...options.bootModules]);
  const key = await recipeKey(options);
  const { path, version } = await buildFolder({
    dir: resolve(options.dir),
    name: `${options.name}-${options.suite}-${options.arch}-${key}`,
    what: `the image ${options.name}`,
    workBytes: WORK_BYTES,
    make: async (partial) => {
      await checkTreeMachine(options, PROGRAMS);
      return `${await makeImage(partial, options)}-${key}`;
    },
  });
  return { ...imageIn(path), version };
}

async function recipeKey(options: DebianImageOptions): Promise<string> {
  const { suite, packages, kernel, bootModules, sizeBytes, arch } = options;
  const { maskedUnits = [], enabledUnits = [] } = options;
  const recipe = {
    suite,
    packages,
    kernel,
    bootModules,
    sizeBytes,
    arch,
    maskedUnits,
    enabledUnits,
  };
  const hash = createHash('sha256').update(JSON.stringify([RECIPE, recipe]));
  for (const file of options.files) {
    const content = 'text' in file ? file.text : await readFile(file.copyOf);
    hash.update(JSON.stringify([file.path, file.mode, content.length])).update(content);
  }
  return hash.digest('hex').slice(0, 12);
}

function imageIn(folder: string): Omit<DebianImage, 'version'> {
  return {
    image: join(folder, 'disk.qcow2'),
    kernel: join(folder, 'vmlinuz'),
    initrd: join(folder, 'initrd.img'),
  };
}

/** @returns the kernel's version. */
async function makeImage(folder: string, options: DebianImageOptions): Promise<string> {
  const work = join(folder, 'work');
  await mkdir(work);
  const { image, kernel, initrd } = imageIn(folder);
  options.progress?.('packages');
  const kernelPackage = `${options.kernel}-${ARCH_WORDS[options.arch].debian}`;
  const root = await makeDebianTree(work, {
    ...options,
    files: [...options.files, ...initrdFiles(options)],
    packages: ['systemd-sysv', 'udev', 'kmod', kernelPackage, ...options.packages],
  });
  const version = await kernelVersion(root, options);
  await copyFile(join(root, 'boot', `vmlinuz-${version}`), kernel);
  await copyFile(join(root, 'boot', `initrd.img-${version}`), initrd);
  options.progress?.('file system');
  const raw = join(work, 'disk.raw');
  await writeFile(raw, '');
  await truncate(raw, options.sizeBytes);
  const makeFileSystem = ['mke2fs', '-q', '-t', 'ext4', '-O', '^has_journal'] as const;
  await run([...makeFileSystem, '-d', root, raw], FILE_SYSTEM_DEADLINE_MS, work, options);
  options.progress?.('image');
  const convert = ['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, image] as const;
  await run(convert, FILE_SYSTEM_DEADLINE_MS, work, options);
  await rm(work, { recursive: true });
  for (const path of [image, kernel, initrd]) await chmod(path, 0o644); // an emulator without rights reads them
  return version;
}

/** Debian's own initrd has modules for every machine: 37 MB, which emulation takes long to unpack. */
function initrdFiles({ bootModules }: DebianImageOptions): readonly TreeFile[] {
  return [
    {
      path: 'etc/initramfs-tools/conf.d/berth',
      text: 'MODULES=list\nCOMPRESS=gzip\nRESUME=none\n',
    },
    {
      path: 'usr/share/initramfs-tools/modules.d/berth',
      text: [...bootModules, 'ext4'].map((name) => `${name}\n`).join(''),
    },
    { path: 'etc/fstab', text: '/dev/vda / ext4 rw 0 1\n' },
  ];
}

async function kernelVersion(root: string, options: DebianImageOptions): Promise<string> {
  const names = await readdir(join(root, 'boot'));
  const version = names.flatMap((name) => /^vmlinuz-(.+)$/.exec(name)?.[1] ?? [])[0];
  if (version !== undefined && names.includes(`initrd.img-${version}`)) return version;
  throw berthError('BERTH_UNSUPPORTED', {
    what: `a Debian image with ${options.kernel}`,
    why: `the package brought no kernel and initrd to /boot, only: ${names.join(' ')}`,
  });
}

async function run(
  argv: Argv,
  deadlineMs: number,
  writesTo: string,
  options: DebianImageOptions,
): Promise<void> {
  const packages = [PROGRAMS[argv[0]] ?? argv[0]];
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  await runCommand(argv, { deadlineMs, writesTo, packages, ...signal });
}
