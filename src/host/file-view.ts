import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The files of a host on this machine, as that host sees them. A libvirtd in namespaces of its own
 * has another /sys and /proc than we have; the kernel shows them below /proc/PID/root (proc(5)).
 */
export interface FileView {
  /** `/` for a daemon that lives where we live, else `/proc/PID/root`. */
  readonly root: string;
}

/** The way in to a host on this machine. */
export interface LocalWay {
  readonly socket: string | undefined;
  readonly files: FileView;
}

/** Programs that serve libvirt's sockets. */
const DAEMONS = new Set(['libvirtd', 'virtqemud', 'virtproxyd']);
/** No file that Berth reads of sysfs or procfs is larger. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Finds the files of the host whose daemon serves a unix socket: the socket's inode, looked for in
 * the mount namespace of every daemon, tells which one it is. Where no daemon is found (one that
 * socket activation will start) it is our own view.
 * @param sockets where the socket may be; the first that exists counts.
 */
export async function localWay(sockets: readonly string[]): Promise<LocalWay> {
  for (const socket of sockets) {
    const found = await stat(socket).catch(() => undefined);
    if (found !== undefined) return { socket, files: { root: await rootOf(found) } };
  }
  return { socket: undefined, files: { root: '/' } };
}

async function rootOf(socket: { readonly ino: number; readonly dev: number }): Promise<string> {
  for (const pid of await daemonPids()) {
    const root = `/proc/${pid}/root`;
    // Not /var/run: an absolute symbolic link below that root leads into our own root.
    if (await socketIn(join(root, '/run/libvirt'), socket.ino, socket.dev)) {
      return (await isOurs(root)) ? '/' : root;
    }
  }
  return '/';
}

/**
 * Reads every file that matches the patterns (at most one `*` a segment), as `path -> text` with
 * paths below the view's root.
 * Files that vanish or cannot be read meanwhile are left out: what is missing is unknown, not wrong.
 */
export async function readFiles(
  view: FileView,
  patterns: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const paths = await Promise.all(patterns.map(async (pattern) => expand(view, pattern)));
  const entries = await Promise.all(
    paths.flat().map(async (path) => [path, await readText(view, path)] as const),
  );
  return Object.fromEntries(
    entries.flatMap(([path, text]) => (text === undefined ? [] : [[path, text] as const])),
  );
}

/** The paths that fit a pattern, through symbolic links too: sysfs is made of them. */
async function expand(view: FileView, pattern: string): Promise<readonly string[]> {
  let found: readonly string[] = [''];
  for (const segment of pattern.split('/')) {
    const next = found.map(async (folder) => namesLike(view, folder, segment));
    found = (await Promise.all(next)).flat();
  }
  return found;
}

async function namesLike(
  view: FileView,
  folder: string,
  segment: string,
): Promise<readonly string[]> {
  const [head = '', tail] = segment.split('*');
  if (tail === undefined) return [join(folder, segment)];
  const names = await readdir(join(view.root, folder)).catch(() => []);
  return names
    .filter((name) => name.startsWith(head) && name.endsWith(tail))
    .map((name) => join(folder, name));
}

/** One file as text; undefined when it cannot be read or is larger than any that Berth needs. */
export async function readText(view: FileView, path: string): Promise<string | undefined> {
  const file = await readFile(join(view.root, path)).catch(() => undefined);
  return file === undefined || file.length > FILE_BYTES_MAX ? undefined : file.toString('utf8');
}

async function daemonPids(): Promise<readonly string[]> {
  const entries = await readdir('/proc');
  const pids = entries.filter((name) => /^\d+$/.test(name));
  const names = await Promise.all(
    pids.map(async (pid) => (await readText({ root: '/proc' }, `${pid}/comm`))?.trim() ?? ''),
  );
  return pids.filter((_, index) => DAEMONS.has(names[index] ?? ''));
}

async function socketIn(folder: string, inode: number, device: number): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((entry) => entry.endsWith('-sock'))) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.ino === inode && found.dev === device) return true;
  }
  return false;
}

/** True when a process shares our root directory and mounts, so that plain paths serve. */
async function isOurs(root: string): Promise<boolean> {
  const [theirs, ours] = await Promise.all([
    stat(join(root, 'sys')).catch(() => undefined),
    stat('/sys'),
  ]);
  return theirs?.ino === ours.ino && theirs.dev === ours.dev;
}
