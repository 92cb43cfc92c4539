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
import { dirname, join, resolve } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { GIB } from '../../base/units.ts';
import { readAptSettings, sourcesForSuite } from './apt-sources.ts';
import { buildFolder } from './built-folder.ts';
import { ARCH_WORDS, machineArch, type MachineArch } from './machine-arch.ts';
import { runCommand, type Argv } from './run-command.ts';
import { requirePrograms } from './system-path.ts';

/** Changes whenever the way images are made changes but for what the caller gives. */
const RECIPE = 1;

/** Some 300 packages on a slow line. */
const ROOT_DEADLINE_MS = 30 * 60_000;
const FILE_SYSTEM_DEADLINE_MS = 5 * 60_000;
const APT_CONFIG_DEADLINE_MS = 30_000;

/** The tree, the raw file system and the image of it are there together for a moment. */
const WORK_BYTES = 4 * GIB;

/** The programs needed and the packages that bring them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  mke2fs: 'e2fsprogs',
  'qemu-img': 'qemu-utils',
  setpriv: 'util-linux',
  unshare: 'util-linux',
};

/** A file put into the image before its packages are installed, owned by root. */
export type ImageFile = {
  /** Relative, without `./`. */
  readonly path: string;
  /** 0o644 when not given. */
  readonly mode?: number;
} & ({ readonly text: string } | { readonly copyOf: string });

export interface DebianImageOptions {
  /** The folder that images are kept in; made when missing. */
  readonly dir: string;
  /** Begins the name of what is kept: `debian`. */
  readonly name: string;
  /** The release by its code name: `bookworm`. */
  readonly suite: string;
  /** What is installed on top of Debian's essential packages, without their recommendations. */
  readonly packages: readonly string[];
  /** Name of the kernel's metapackage less the architecture: `linux-image` or `linux-image-cloud`. */
  readonly kernel: 'linux-image' | 'linux-image-cloud';
  /** Modules that the initrd must bring to mount the root: `virtio_blk`. */
  readonly bootModules: readonly string[];
  readonly files: readonly ImageFile[];
  /** Units of systemd that must not start. */
  readonly maskedUnits?: readonly string[];
  /** Units that must start, beyond those that their packages enable. */
  readonly enabledUnits?: readonly string[];
  /** Size of the disk; what is not used of it takes no space. */
  readonly sizeBytes: number;
  readonly arch: MachineArch;
  readonly signal?: AbortSignal;
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
  checkWords(options);
  const key = await recipeKey(options);
  const { path, version } = await buildFolder({
    dir: resolve(options.dir),
    name: `${options.name}-${options.suite}-${options.arch}-${key}`,
    what: `the image ${options.name}`,
    workBytes: WORK_BYTES,
    make: async (partial) => {
      await checkMachine(options);
      return `${await makeImage(partial, options)}-${key}`;
    },
  });
  return { ...imageIn(path), version };
}

/** Names of packages, units and suites: nothing that a shell or mmdebstrap would split. */
function checkWords(options: DebianImageOptions): void {
  const { name, suite, packages, bootModules, maskedUnits = [], enabledUnits = [] } = options;
  const words = [name, suite, ...packages, ...bootModules, ...maskedUnits, ...enabledUnits];
  const bad = words.find((word) => !/^[A-Za-z0-9][A-Za-z0-9@._+:=-]*$/.test(word));
  if (bad === undefined) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'the recipe of a Debian image',
    problem: `"${bad}" is not a name`,
    expected: 'letters, digits and @ . _ + : = -',
  });
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

async function checkMachine({ arch }: DebianImageOptions): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw berthError('BERTH_PERMISSION', {
      what: 'the making of a Debian image',
      reason: 'its files belong to several users, which only root may give them to',
      remedy: 'run as root',
    });
  }
  if (arch !== machineArch(process.arch)) {
    throw berthError('BERTH_UNSUPPORTED', {
      what: `a Debian image for ${arch}`,
      why: 'its packages are set up by running them, and this machine is of another architecture',
    });
  }
  await requirePrograms(PROGRAMS);
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
  const root = await makeRoot(work, options);
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

async function makeRoot(work: string, options: DebianImageOptions): Promise<string> {
  const overlay = join(work, 'overlay');
  for (const file of [...options.files, ...initrdFiles(options)]) await putFile(overlay, file);
  const sources = join(work, `${options.suite}.sources`);
  await writeFile(sources, sourcesForSuite(await readAptSettings(), options.suite));
  const aptOptions = join(work, 'apt-options');
  await writeFile(aptOptions, await aptOptionsOfMachine(options));
  const root = join(work, 'root');
  const { maskedUnits = [], enabledUnits = [] } = options;
  await runCommand(mmdebstrap({ root, sources, aptOptions }, options), {
    deadlineMs: ROOT_DEADLINE_MS,
    writesTo: work,
    packages: ['mmdebstrap'],
    env: {
      PATH: process.env['PATH'] ?? '',
      LC_ALL: 'C',
      TMPDIR: work,
      BERTH_OVERLAY: overlay,
      BERTH_MASKED: maskedUnits.join(' '),
      BERTH_ENABLED: enabledUnits.join(' '),
    },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return root;
}

/** In mmdebstrap's shell, where `$1` is the root; `checkWords` has seen what the variables hold. */
const PUT_FILES = 'cp -a "$BERTH_OVERLAY/." "$1/"';
const SET_UNITS =
  'for u in $BERTH_MASKED; do chroot "$1" systemctl mask "$u"; done; for u in $BERTH_ENABLED; do chroot "$1" systemctl enable "$u"; done';
/** Settings of this machine's apt, with the proxy's password perhaps, are not for the image. */
const FORGET_APT_OPTIONS = 'rm -f "$1/etc/apt/apt.conf.d/99mmdebstrap"';

/** Made by programs that end with this process, and with which all that they start ends. */
const OWN_NAMESPACES = [
  ...(['setpriv', '--pdeathsig', 'KILL', 'unshare'] as const),
  ...(['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'] as const),
] as const;

/**
 * As root mmdebstrap mounts /proc, /sys and /dev below the new root. In namespaces of its own those
 * mounts end with it, however it ends, and no file beyond them can be removed by mistake.
 */
function mmdebstrap(
  paths: { readonly root: string; readonly sources: string; readonly aptOptions: string },
  options: DebianImageOptions,
): Argv {
  const kernel = `${options.kernel}-${ARCH_WORDS[options.arch].debian}`;
  return [
    ...OWN_NAMESPACES,
    'mmdebstrap',
    '--mode=root',
    '--variant=minbase',
    '--format=directory',
    '--quiet',
    `--architectures=${ARCH_WORDS[options.arch].debian}`,
    `--aptopt=${paths.aptOptions}`,
    '--aptopt=APT::Install-Recommends "false"',
    // The overlay is there first, so that packages are set up by it; it wins over their own files.
    '--dpkgopt=force-confold',
    '--dpkgopt=force-unsafe-io',
    ...['doc', 'man', 'info', 'locale'].map(
      (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
    ),
    `--essential-hook=${PUT_FILES}`,
    `--customize-hook=${SET_UNITS}`,
    `--customize-hook=${FORGET_APT_OPTIONS}`,
    `--include=${['systemd-sysv', 'udev', 'kmod', kernel, ...options.packages].join(',')}`,
    options.suite,
    paths.root,
    paths.sources,
  ];
}

/** Debian's own initrd has modules for every machine: 37 MB, which emulation takes long to unpack. */
function initrdFiles({ bootModules }: DebianImageOptions): readonly ImageFile[] {
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

async function putFile(overlay: string, file: ImageFile): Promise<void> {
  const path = join(overlay, file.path);
  await mkdir(dirname(path), { recursive: true });
  if ('text' in file) await writeFile(path, file.text);
  else await copyFile(file.copyOf, path);
  await chmod(path, file.mode ?? 0o644);
}

/** How this machine's apt reaches its archives, and whether it minds their age. */
async function aptOptionsOfMachine(options: DebianImageOptions): Promise<string> {
  const { stdout } = await runCommand(['apt-config', 'dump'], {
    deadlineMs: APT_CONFIG_DEADLINE_MS,
    packages: ['apt'],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return pickAptOptions(stdout);
}

/** Of `apt-config dump`, the lines on proxies, retries and the age of an archive's lists. */
export function pickAptOptions(dump: string): string {
  const wanted = /^Acquire::(Check-Valid-Until|Check-Date|Retries|https?::(Proxy|Timeout)\b)/;
  return dump
    .split('\n')
    .filter((line) => wanted.test(line))
    .map((line) => `${line}\n`)
    .join('');
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
