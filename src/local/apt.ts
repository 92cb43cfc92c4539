import { isBerthError } from '../base/errors.ts';
import { runCommand, type Argv } from '../lab/system/run-command.ts';

const UPDATE_DEADLINE_MS = 300_000;
const DOWNLOAD_DEADLINE_MS = 1_200_000;
const INSTALL_DEADLINE_MS = 1_200_000;
/** How long apt waits for another apt to finish. */
const OTHER_APT_SECONDS = 120;

export interface AptOptions {
  /** How to become root: nothing for root, sudo(8) for an ordinary user. */
  readonly become: 'root' | 'sudo';
  /** A person sits at this process's terminal, whom sudo may ask. */
  readonly terminal: boolean;
  readonly detail: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Installs Debian packages without what they merely recommend. The lists of packages are fetched
 * anew only when the first try fails, as it does where there are none or where they are outdated.
 * The signal is heeded until everything is downloaded; from then on dpkg is let finish, because
 * one that is killed leaves packages half configured.
 * @throws BERTH_COMMAND_FAILED with apt's own words, BERTH_PACKAGES_NEEDED without sudo,
 *   BERTH_DISK_FULL, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function installWithApt(
  packages: readonly string[],
  options: AptOptions,
): Promise<void> {
  const { signal } = options;
  const download = ['install', '-y', '--no-install-recommends', '--download-only', ...packages];
  try {
    await apt(download, { ...options, deadlineMs: DOWNLOAD_DEADLINE_MS }, signal);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_COMMAND_FAILED')) throw error;
    await updateAptLists(options);
    await apt(download, { ...options, deadlineMs: DOWNLOAD_DEADLINE_MS }, signal);
  }
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  await apt(install, { ...options, deadlineMs: INSTALL_DEADLINE_MS }, undefined);
}

/** Fetches the lists of packages. @throws as `installWithApt`. */
export async function updateAptLists(options: AptOptions): Promise<void> {
  options.detail('fetching the lists of packages');
  await apt(['update'], { ...options, deadlineMs: UPDATE_DEADLINE_MS }, options.signal);
}

async function apt(
  args: readonly string[],
  options: AptOptions & { readonly deadlineMs: number },
  signal: AbortSignal | undefined,
): Promise<void> {
  const terminal = options.become === 'sudo' && options.terminal;
  await runCommand(aptArgv(args, { ...options, terminal }), {
    env: { ...process.env, ...QUIET },
    deadlineMs: options.deadlineMs,
    terminal,
    writesTo: '/var/cache/apt',
    packages: [options.become === 'sudo' ? 'sudo' : 'apt'],
    ...(signal === undefined ? {} : { signal }),
    onLine: (line) => {
      const text = aptProgress(line);
      if (text !== undefined) options.detail(text);
    },
  });
}

/** Packages ask no questions while they are set up, and apt speaks the language read below. */
const QUIET = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };

/** The whole command, with apt's progress on standard output. sudo hands no environment on. */
export function aptArgv(
  args: readonly string[],
  options: { readonly become: 'root' | 'sudo'; readonly terminal: boolean },
): Argv {
  const settings = ['-q', '-o', `DPkg::Lock::Timeout=${OTHER_APT_SECONDS}`];
  if (!options.terminal) settings.push('-o', 'APT::Status-Fd=1');
  if (options.become === 'root') return ['apt-get', ...settings, ...args];
  const quiet = Object.entries(QUIET).map(([name, value]) => `${name}=${value}`);
  const ask = options.terminal ? [] : ['-n'];
  return ['sudo', ...ask, 'env', ...quiet, 'apt-get', ...settings, ...args];
}

/**
 * What a line of apt's status (APT::Status-Fd, apt's README.progress-reporting) says to a person;
 * undefined for any other line. The count of packages is taken from apt's summary.
 */
export function aptProgress(line: string): string | undefined {
  const count = /(\d+) newly installed/.exec(line)?.[1];
  if (count !== undefined)
    return `${count} ${count === '1' ? 'package' : 'packages'} to install in all`;
  const match = /^(dlstatus|pmstatus):.*?:(\d+)(?:\.\d+)?:(.*)$/.exec(line);
  if (match === null) return undefined;
  const [, kind, percent, what = ''] = match;
  const text = what.replace(/ \(.*$/, '');
  return kind === 'dlstatus' ? `${percent} % downloaded: ${text}` : `${percent} %: ${text}`;
}
