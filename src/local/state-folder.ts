import { chmod, lstat, mkdir, readdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { berthError } from '../base/errors.ts';
import { hasErrno, isDiskFull } from '../lab/system/errno.ts';
import { SOCKET_PATH_BYTES_MAX } from '../libvirt/index.ts';
import { apiSocket } from './api-socket.ts';

/** Marks a folder as Berth's own, to be taken into use and to be deleted by `down --purge`. */
const MARK = '.berth-state';
const MARK_TEXT = 'State of Berth. To remove it: berth down --purge\n';

/** The places in a state folder that `up` and `down` know. */
export interface StateFolder {
  readonly home: string;
  /** Sockets, process records and the lock; closed to others. */
  readonly run: string;
  readonly socket: string;
  readonly serverLog: string;
  /** Guest images, for any hypervisor but one that has a place of its own. */
  readonly images: string;
  /** Where the private hypervisor has its state. */
  readonly hypervisor: string;
}

/** The places in a state folder, whether it is there or not. */
export function stateFolder(path: string): StateFolder {
  const home = resolve(path);
  return {
    home,
    run: join(home, 'run'),
    socket: apiSocket(home),
    serverLog: join(home, 'log', 'server.log'),
    images: join(home, 'images'),
    hypervisor: join(home, 'hypervisor'),
  };
}

/** True when the folder is there and is Berth's. */
export async function isStateFolder(home: string): Promise<boolean> {
  return codedFileErrors(home, async () => (await entriesOf(home))?.includes(MARK) === true);
}

/**
 * Makes the state folder, or takes the one that is there. Everybody may pass through it, not list
 * it: a hypervisor's unprivileged user must reach the images. What is private is closed in itself.
 * @returns whether it was made.
 * @throws BERTH_CONFLICT when something else is there, BERTH_SPEC_INVALID for a path that cannot
 *   serve, BERTH_PERMISSION, BERTH_DISK_FULL.
 */
export async function openStateFolder(folder: StateFolder, uid: number): Promise<boolean> {
  checkPath(folder);
  return codedFileErrors(folder.home, async () => {
    const entries = await entriesOf(folder.home);
    const isOurs = entries?.includes(MARK) === true;
    if (entries !== undefined) await checkTakeable(folder.home, entries, uid);
    try {
      await makeFolders(folder);
    } catch (error) {
      if (entries === undefined) await rm(folder.home, { recursive: true, force: true });
      throw error;
    }
    return !isOurs;
  });
}

/**
 * Refuses another user's state folder. Root could work in it, but what root leaves there its owner
 * could not change any more, and a session hypervisor answers to its owner alone.
 * @throws BERTH_PERMISSION.
 */
export async function checkOwner(home: string, uid: number): Promise<void> {
  const owner = (await stat(home)).uid;
  if (owner === uid) return;
  throw berthError('BERTH_PERMISSION', {
    what: home,
    reason: `it belongs to user ${owner}, and this is user ${uid}`,
    remedy: 'run as that user, or name another folder in BERTH_HOME',
  });
}

/**
 * Deletes the state folder with all that is in it. A mount point stays, emptied; so does a symbolic
 * link with the folder it names, for neither was made by Berth.
 * @throws BERTH_CONFLICT unless the folder is Berth's.
 */
export async function removeStateFolder(home: string): Promise<void> {
  if (!(await isStateFolder(home))) {
    throw berthError('BERTH_CONFLICT', {
      what: home,
      why: 'it is not a state folder of Berth, so it is not deleted',
      remedy: 'look into it, and delete it by hand if it is of no use',
    });
  }
  await codedFileErrors(home, async () => {
    // The mark goes last: a deletion that is broken off can be taken up again.
    for (const entry of (await readdir(home)).filter((name) => name !== MARK)) {
      await rm(join(home, entry), { recursive: true, force: true });
    }
    await rm(join(home, MARK), { force: true });
    await rmdir(home).catch(async (error: unknown) => {
      if (!hasErrno(error, 'EBUSY') && !(await isLink(home))) throw error;
    });
  });
}

async function isLink(path: string): Promise<boolean> {
  return (await lstat(path)).isSymbolicLink();
}

/**
 * Runs work on files below `path`, and gives the file system's refusals their codes.
 * @throws BERTH_DISK_FULL, BERTH_PERMISSION, BERTH_CONFLICT; anything else as it came.
 */
export async function codedFileErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw codedFileError(path, error);
  }
}

function codedFileError(path: string, error: unknown): unknown {
  if (isDiskFull(error)) {
    return berthError('BERTH_DISK_FULL', { what: 'Berth’s state', path }, { cause: error });
  }
  if (hasErrno(error, 'EACCES', 'EPERM', 'EROFS')) {
    const readOnly = hasErrno(error, 'EROFS');
    return berthError(
      'BERTH_PERMISSION',
      {
        what: path,
        reason: readOnly ? 'the file system is read-only' : 'this user may not write there',
        remedy: 'name a folder of your own in BERTH_HOME, or run as the user it belongs to',
      },
      { cause: error },
    );
  }
  if (hasErrno(error, 'ENOTDIR', 'EEXIST')) {
    return berthError(
      'BERTH_CONFLICT',
      {
        what: path,
        why: 'a file stands where a folder is needed',
        remedy: 'name another folder in BERTH_HOME',
      },
      { cause: error },
    );
  }
  return error;
}

function checkPath({ home, socket }: StateFolder): void {
  const bytes = Buffer.byteLength(socket);
  const problem =
    home === '/' || home === resolve(homedir())
      ? 'Berth needs a folder of its own'
      : !isAbsolute(home) || home.includes('\n')
        ? 'it cannot be the path of a folder'
        : bytes > SOCKET_PATH_BYTES_MAX
          ? `the server’s socket in it would have a path of ${bytes} bytes`
          : undefined;
  if (problem === undefined) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: `BERTH_HOME ${home}`,
    problem,
    expected: `a folder such as /var/lib/berth, its path at most ${SOCKET_PATH_BYTES_MAX - apiSocket('/').length} bytes long`,
  });
}

async function checkTakeable(home: string, entries: readonly string[], uid: number): Promise<void> {
  if (entries.length > 0 && !entries.includes(MARK)) {
    throw berthError('BERTH_CONFLICT', {
      what: home,
      why: 'the folder holds things that are not Berth’s',
      remedy: 'name an empty or new folder in BERTH_HOME',
    });
  }
  await checkOwner(home, uid);
}

async function entriesOf(path: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function makeFolders({ home, images, run }: StateFolder): Promise<void> {
  await makeWithParents(home);
  await writeFile(join(home, MARK), MARK_TEXT, { mode: 0o600 });
  await chmod(home, 0o711);
  await makeFolder(run, 0o700);
  await makeFolder(join(home, 'log'), 0o700);
  await makeFolder(images, 0o755);
}

/** Not Node's own recursion, which never ends in /proc: there a folder cannot be made at all. */
async function makeWithParents(path: string): Promise<void> {
  if (await madeOrThere(path)) return;
  if (path !== '/') await makeWithParents(dirname(path));
  if (await madeOrThere(path)) return;
  throw berthError('BERTH_PERMISSION', {
    what: path,
    reason: 'the file system there takes no folders',
    remedy: 'name another folder in BERTH_HOME',
  });
}

/** False when a parent is missing. */
async function madeOrThere(path: string): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return false;
    if (!hasErrno(error, 'EEXIST')) throw error;
  }
  return true;
}

async function makeFolder(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
}

/**
 * The outermost folder on the way to `path` that a stranger may not pass through; undefined when
 * the way is open. Only the permission bits are looked at.
 */
export async function closedFolderOnTheWay(path: string): Promise<string | undefined> {
  const parts = resolve(path).split('/');
  for (let length = 1; length <= parts.length; length++) {
    const folder = parts.slice(0, length).join('/') || '/';
    const { mode } = await stat(folder);
    if ((mode & 0o001) === 0) return folder;
  }
  return undefined;
}
