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
  // apt would hand the download to a user who may not enter the folder, and warn about it.
  const download = ['apt-get', '-q', '-o', 'APT::Sandbox::User=', 'download', name] as const;
  const common = { cwd: folder, writesTo: folder, ...waiting };
  await runCommand(download, { ...common, deadlineMs: DOWNLOAD_DEADLINE_MS });
  const file = (await readdir(folder)).find((entry) => entry.endsWith('.deb'));
  if (file === undefined) {
    throw berthError('BERTH_COMMAND_FAILED', {
      command: download.join(' '),
      status: 'exit 0',
      output: 'no package came',
    });
  }
  const unpack = ['dpkg-deb', '-x', file, 'files'] as const;
  await runCommand(unpack, { ...common, deadlineMs: UNPACK_DEADLINE_MS });
  return join(folder, 'files');
}
