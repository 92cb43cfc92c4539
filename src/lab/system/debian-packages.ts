import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { runCommand } from './run-command.ts';

const LIST_DEADLINE_MS = 60_000;
/** A kernel is 10 to 100 MB. */
const DOWNLOAD_DEADLINE_MS = 600_000;
const UNPACK_DEADLINE_MS = 120_000;

/** What every step here needs to know. */
export interface Waiting {
  readonly signal?: AbortSignal;
}

/**
 * The name of the versioned package that a Debian kernel metapackage stands for at present, such as
 * linux-image-6.1.0-44-cloud-amd64, with its version.
 * @throws BERTH_COMMAND_FAILED when apt knows no such package (its lists are empty, or not Debian's).
 */
export async function kernelPackage(metapackage: string, waiting: Waiting): Promise<string> {
  const argv = ['apt-cache', 'show', '--no-all-versions', metapackage] as const;
  const { stdout } = await runCommand(argv, { deadlineMs: LIST_DEADLINE_MS, ...waiting });
  const dependency = parseKernelDependency(stdout);
  if (dependency !== undefined) return dependency;
  throw berthError('BERTH_COMMAND_FAILED', {
    command: argv.join(' '),
    status: 'no kernel named',
    output: '',
  });
}

/** The kernel in the Depends line of a package's description, as apt-get takes it: NAME=VERSION. */
export function parseKernelDependency(description: string): string | undefined {
  const depends = /^Depends: (.*)$/m.exec(description)?.[1];
  const match = /\b(linux-image-\S+)(?: \(= ([^)]+)\))?/.exec(depends ?? '');
  if (match?.[1] === undefined) return undefined;
  return match[2] === undefined ? match[1] : `${match[1]}=${match[2]}`;
}

/**
 * Downloads a Debian package and unpacks it below `dir`/NAME, installing nothing; needs no root.
 * @returns the folder with its files.
 */
export async function unpackPackage(name: string, dir: string, waiting: Waiting): Promise<string> {
  const folder = join(dir, name.replace(/[=:].*$/, ''));
  await mkdir(folder, { recursive: true });
  const root = join(folder, 'files');
  await unpackPackages([name], { folder, root }, waiting);
  return root;
}

/**
 * Downloads Debian packages into `folder` and unpacks all of them into `root`, installing nothing.
 * @throws BERTH_COMMAND_FAILED when apt has no such package or cannot reach the archive.
 */
export async function unpackPackages(
  names: readonly string[],
  { folder, root }: { readonly folder: string; readonly root: string },
  waiting: Waiting,
): Promise<void> {
  const before = new Set(await readdir(folder));
  // apt would hand the download to a user who may not enter the folder, and warn about it.
  const download = ['apt-get', '-q', '-o', 'APT::Sandbox::User=', 'download', ...names] as const;
  const common = { cwd: folder, writesTo: folder, ...waiting };
  await runCommand(download, { ...common, deadlineMs: DOWNLOAD_DEADLINE_MS });
  const files = (await readdir(folder)).filter(
    (file) => file.endsWith('.deb') && !before.has(file),
  );
  if (files.length < names.length) {
    throw berthError('BERTH_COMMAND_FAILED', {
      command: download.join(' '),
      status: 'exit 0',
      output: `${files.length} packages came`,
    });
  }
  for (const file of files) {
    const unpack = ['dpkg-deb', '-x', file, root] as const;
    await runCommand(unpack, { ...common, deadlineMs: UNPACK_DEADLINE_MS });
  }
}

/**
 * Everything that apt would install for a package on an empty system, each with its architecture
 * (`all` for one without). The state of this machine plays no part in it.
 * @throws BERTH_COMMAND_FAILED when apt knows no such package.
 */
export async function packageClosure(
  name: string,
  waiting: Waiting,
): Promise<ReadonlyMap<string, string>> {
  const empty = ['-o', 'Dir::State::status=/dev/null', '-o', 'APT::Install-Recommends=false'];
  const { stdout } = await runCommand(['apt-get', '-q', '-s', ...empty, 'install', name], {
    deadlineMs: LIST_DEADLINE_MS,
    ...waiting,
  });
  return parseInstallList(stdout);
}

/** Reads the lines `Inst NAME (VERSION ORIGIN [ARCHITECTURE])` of a simulated install. */
export function parseInstallList(text: string): ReadonlyMap<string, string> {
  const packages = new Map<string, string>();
  for (const [, name, arch] of text.matchAll(/^Inst (\S+) .*\[(\w+)\]\)/gm)) {
    if (name !== undefined && arch !== undefined) packages.set(name, arch);
  }
  return packages;
}

/**
 * The packages that these packages name in their dependencies, alternatives and providers of
 * virtual packages among them.
 */
export async function namedDependencies(
  names: readonly string[],
  waiting: Waiting,
): Promise<readonly string[]> {
  const others = ['recommends', 'suggests', 'conflicts', 'breaks', 'replaces', 'enhances'];
  const only = others.map((kind) => `--no-${kind}`);
  const { stdout } = await runCommand(['apt-cache', 'depends', ...only, ...names], {
    deadlineMs: LIST_DEADLINE_MS,
    ...waiting,
  });
  return parseDependencies(stdout);
}

/** Reads what apt-cache prints: packages at the margin, what they depend on indented. */
export function parseDependencies(text: string): readonly string[] {
  const lines = text.matchAll(/^[ |]+(?:(?:Pre)?Depends: )?<?([a-z0-9][^\s<>]*)>?$/gm);
  return [...new Set([...lines].flatMap(([, name]) => name ?? []))];
}
