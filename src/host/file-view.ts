import { glob, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * The files of a host on this machine, as that host sees them. A libvirtd in namespaces of its own
 * has another /sys and /proc than we have; the kernel shows them below /proc/PID/root (proc(5)).
 */
export interface FileView {
  /** `/` for a daemon that lives where we live, else `/proc/PID/root`. */
  readonly root: string;
}

/** Programs that serve libvirt's sockets. */
const DAEMONS = new Set(['libvirtd', 'virtqemud', 'virtproxyd']);
/** No file that Berth reads of sysfs or procfs is larger. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Finds the files of the host whose daemon serves a unix socket: the socket's inode, looked for in
 * the mount namespace of every daemon, tells which one it is.
 * @returns our own view where no daemon is found (one that socket activation will start).
 */
export async function fileViewOf(socket: string): Promise<FileView> {
  const wanted = await stat(socket).catch(() => undefined);
  if (wanted === undefined) return { root: '/' };
  for (const pid of await daemonPids()) {
    const root = `/proc/${pid}/root`;
    for (const folder of ['/run/libvirt', '/var/run/libvirt']) {
      const found = await socketIn(join(root, folder), wanted.ino, wanted.dev);
      if (found) return (await isOurs(root)) ? { root: '/' } : { root };
    }
  }
  return { root: '/' };
}

/**
 * Reads every file that matches the patterns, as `path -> text` with paths below the view's root.
 * Files that vanish or cannot be read meanwhile are left out: what is missing is unknown, not wrong.
 */
export async function readFiles(
  view: FileView,
  patterns: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const texts: Record<string, string> = {};
  for (const pattern of patterns) {
    for await (const path of glob(pattern, { cwd: view.root })) {
      const text = await readText(view, path);
      if (text !== undefined) texts[path] = text;
    }
  }
  return texts;
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
