import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { readAptSettings, sourcesForSuite } from './apt-sources.ts';
import { ARCH_WORDS, machineArch, type MachineArch } from './machine-arch.ts';
import { runCommand, type Argv } from './run-command.ts';
import { requirePrograms } from './system-path.ts';

/** Some 300 packages on a slow line. */
const TREE_DEADLINE_MS = 30 * 60_000;
const APT_CONFIG_DEADLINE_MS = 30_000;

/** The programs needed and the packages that bring them. */
const PROGRAMS: Readonly<Record<string, string>> = {
  mmdebstrap: 'mmdebstrap',
  setpriv: 'util-linux',
  unshare: 'util-linux',
};

/** A file put into the tree before its packages are installed, owned by root. */
export type TreeFile = {
  /** Relative, without `./`. */
  readonly path: string;
  /** 0o644 when not given. */
  readonly mode?: number;
} & ({ readonly text: string } | { readonly copyOf: string });

export interface DebianTreeOptions {
  /** The release by its code name: `bookworm`. */
  readonly suite: string;
  /** What is installed on top of Debian's essential packages, without their recommendations. */
  readonly packages: readonly string[];
  readonly files: readonly TreeFile[];
  /** Units of systemd that must not start. */
  readonly maskedUnits?: readonly string[];
  /** Units that must start, beyond those that their packages enable. */
  readonly enabledUnits?: readonly string[];
  readonly arch: MachineArch;
  readonly signal?: AbortSignal;
}

/**
 * Makes the tree of files of a small Debian in `work`/root, by the apt sources of this machine. Manuals
 * and translations are left out; nothing is configured but what `files` brings. What is needed on
 * the way lies in `work` too, which the caller has made and removes. Needs root; whatever runs for
 * it ends with this process, with all its mounts.
 * @returns the path of the tree.
 * @throws BERTH_SPEC_INVALID, BERTH_UNSUPPORTED (no sources), BERTH_COMMAND_FAILED, BERTH_DISK_FULL,
 *   BERTH_PACKAGES_NEEDED, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function makeDebianTree(work: string, options: DebianTreeOptions): Promise<string> {
  checkDebianTree(options);
  const overlay = join(work, 'overlay');
  await mkdir(overlay);
  for (const file of options.files) await putFile(overlay, file);
  const sources = join(work, `${options.suite}.sources`);
  await writeFile(sources, sourcesForSuite(await readAptSettings(), options.suite));
  const aptOptions = join(work, 'apt-options');
  await writeFile(aptOptions, await aptOptionsOfMachine(options));
  const root = join(work, 'root');
  const { maskedUnits = [], enabledUnits = [] } = options;
  await runCommand(mmdebstrap({ root, sources, aptOptions }, options), {
    deadlineMs: TREE_DEADLINE_MS,
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

/**
 * Refuses a machine on which such a tree cannot be made.
 * @param more other programs that are needed, and the packages that bring them.
 * @throws BERTH_PERMISSION, BERTH_UNSUPPORTED for a foreign architecture, BERTH_PACKAGES_NEEDED.
 */
export async function checkTreeMachine(
  { arch }: DebianTreeOptions,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
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
  await requirePrograms({ ...PROGRAMS, ...more });
}

/**
 * Refuses names of packages, units and suites that a shell or mmdebstrap would split.
 * @param more other words that have to be such names.
 * @throws BERTH_SPEC_INVALID
 */
export function checkDebianTree(options: DebianTreeOptions, more: readonly string[] = []): void {
  const { suite, packages, maskedUnits = [], enabledUnits = [] } = options;
  const words = [...more, suite, ...packages, ...maskedUnits, ...enabledUnits];
  const bad = words.find((word) => !/^[A-Za-z0-9][A-Za-z0-9@._+:=-]*$/.test(word));
  if (bad === undefined) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'the recipe of a Debian tree',
    problem: `"${bad}" is not a name`,
    expected: 'letters, digits and @ . _ + : = -',
  });
}

/** In mmdebstrap's shell, where `$1` is the root; `checkDebianTree` has seen what the variables hold. */
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
  options: DebianTreeOptions,
): Argv {
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
    `--include=${options.packages.join(',')}`,
    options.suite,
    paths.root,
    paths.sources,
  ];
}

async function putFile(overlay: string, file: TreeFile): Promise<void> {
  const path = join(overlay, file.path);
  await mkdir(dirname(path), { recursive: true });
  if ('text' in file) await writeFile(path, file.text);
  else await copyFile(file.copyOf, path);
  await chmod(path, file.mode ?? 0o644);
}

/** How this machine's apt reaches its archives, and whether it minds their age. */
async function aptOptionsOfMachine(options: DebianTreeOptions): Promise<string> {
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
