import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, rename, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { formatSize } from '../../base/units.ts';
import { hasErrno, isDiskFull } from './errno.ts';
import { identifyProcess, isRunning } from './process-identity.ts';
import { readIfThere } from './read-if-there.ts';

const PARTIAL = 'partial.';
const VERSION = 'version';

export interface BuiltFolderOptions {
  /** The folder that built folders are kept in; made when missing. */
  readonly dir: string;
  /** Name of the one to build: it must hold the content of the recipe, so that it never goes stale. */
  readonly name: string;
  /** What it is, for messages: `the guest image`. */
  readonly what: string;
  /** What must be free to begin, since many a program tries long to write to a full disk. */
  readonly workBytes: number;
  /** Fills the folder given, which is empty and not yet under its name; gives its version. */
  readonly make: (partial: string) => Promise<string>;
}

/** A folder that was made whole, and one line that says of what. */
export interface BuiltFolder {
  readonly path: string;
  readonly version: string;
}

/**
 * Makes a folder once and keeps it: later calls return at once. It gets its name only when it is
 * whole; a failure or an abort leaves nothing, and what a killed builder left is removed by the
 * next. Two builders at the same time both build, and the one that is late takes the other's.
 * @throws BERTH_DISK_FULL, and whatever `make` does.
 */
export async function buildFolder(options: BuiltFolderOptions): Promise<BuiltFolder> {
  const { dir, what } = options;
  const path = join(dir, options.name);
  const kept = await keptFolder(path);
  if (kept !== undefined) return kept;
  await mkdir(dir, { recursive: true });
  await removeAbandoned(dir);
  await checkSpace(options);
  const partial = join(dir, `${PARTIAL}${await ownMark()}.${randomUUID()}`);
  try {
    await mkdir(partial);
    const version = await options.make(partial);
    await writeFile(join(partial, VERSION), `${version}\n`);
    await renameUnlessThere(partial, path);
    return { path, version };
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw berthError('BERTH_DISK_FULL', { what, path: dir }, { cause: error });
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** It was renamed into place whole, so that its version can be read means that all is there. */
async function keptFolder(path: string): Promise<BuiltFolder | undefined> {
  const version = await readIfThere(join(path, VERSION));
  return version === undefined ? undefined : { path, version: version.trim() };
}

async function checkSpace({ dir, what, workBytes }: BuiltFolderOptions): Promise<void> {
  const { bavail, bsize } = await statfs(dir);
  if (bavail * bsize >= workBytes) return;
  throw berthError('BERTH_DISK_FULL', {
    what: `the making of ${what}, which takes ${formatSize(workBytes)},`,
    path: dir,
  });
}

/** Somebody else may have built the same meanwhile; one is as good as the other. */
async function renameUnlessThere(partial: string, path: string): Promise<void> {
  try {
    await rename(partial, path);
  } catch (error) {
    if (!hasErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** What tells a builder that is at work from one that was killed. */
async function ownMark(): Promise<string> {
  const own = await identifyProcess(process.pid);
  return `${process.pid}.${own?.startTicks ?? ''}`;
}

async function removeAbandoned(dir: string): Promise<void> {
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  for (const name of await readdir(dir)) {
    const [pid, startTicks] = name.startsWith(PARTIAL) ? name.split('.').slice(1) : [];
    if (pid === undefined || startTicks === undefined) continue;
    if (await isRunning({ pid: Number(pid), startTicks, bootId })) continue;
    await rm(join(dir, name), { recursive: true, force: true });
  }
}
