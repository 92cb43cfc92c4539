import { readdir, readFile, stat } from 'node:fs/promises';
import { hostname as ownHostname } from 'node:os';
import { join } from 'node:path';
import { socketListeners } from './socket-listener.ts';
import type { Process } from './socket-listener.ts';

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
  /** Undefined where the host's files are not ours to read, or nobody knows whether they are. */
  readonly files: FileView | undefined;
}

/** Programs that serve libvirt's sockets. */
const DAEMONS: ReadonlySet<string> = new Set(['libvirtd', 'virtqemud', 'virtproxyd']);
/** Holds the sockets of services that it starts, its own and those of users. */
const SERVICE_MANAGER = 'systemd';
/** No file that Berth reads of sysfs or procfs is larger. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * Finds the files of the host whose daemon serves a unix socket: they are those that the process
 * sees which listens there. A socket can also be the end of a line to another machine (ssh -L,
 * socat), whose files are not here: what ours say would be wrong of it. Where the listener cannot be
 * told, as by an ordinary user, the host must have our own name.
 * @param sockets where the socket may be; the first that exists counts.
 * @param hostname asks the host for its name.
 */
export async function localWay(
  sockets: readonly string[],
  hostname: () => Promise<string>,
): Promise<LocalWay> {
  for (const socket of sockets) {
    const found = await stat(socket).catch(() => undefined);
    if (found !== undefined) return { socket, files: await filesBehind(socket, hostname) };
  }
  return { socket: undefined, files: undefined };
}

async function filesBehind(
  socket: string,
  hostname: () => Promise<string>,
): Promise<FileView | undefined> {
  const listeners = await socketListeners(socket, DAEMONS);
  const daemon = listeners.find(({ program }) => DAEMONS.has(program));
  if (daemon !== undefined) return viewOf(daemon);
  // A service manager alone says nothing of what it starts for a connection.
  const isTold = listeners.some(({ program }) => program !== SERVICE_MANAGER);
  return !isTold && isOwnName(await hostname()) ? { root: '/' } : undefined;
}

/** libvirt adds the domain where it can find it out (virGetHostname); `localhost` is no name. */
function isOwnName(name: string): boolean {
  const own = ownHostname();
  const isSame = name === own || name.startsWith(`${own}.`) || own.startsWith(`${name}.`);
  return isSame && name.split('.')[0] !== 'localhost';
}

async function viewOf({ pid }: Process): Promise<FileView> {
  const root = `/proc/${pid}/root`;
  return { root: (await isOurs(root)) ? '/' : root };
}

/**
 * Reads every file that matches the patterns (at most one `*` a segment), as `path -> text` with
 * paths below the view's root.
 * Files that vanish or cannot be read meanwhile are left out, and all of them where there is no view:
 * what is missing is unknown, not wrong.
 */
export async function readFiles(
  view: FileView | undefined,
  patterns: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  if (view === undefined) return {};
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

/** One file as text; undefined when it cannot be read, or is larger than any that Berth needs. */
export async function readText(
  view: FileView | undefined,
  path: string,
): Promise<string | undefined> {
  if (view === undefined) return undefined;
  const file = await readFile(join(view.root, path)).catch(() => undefined);
  return file === undefined || file.length > FILE_BYTES_MAX ? undefined : file.toString('utf8');
}

/** What Berth reads files of. A container can share the one with us and have the other for itself. */
const MOUNTS = ['sys', 'proc'];

/** True when a process shares the mounts that we read, so that plain paths serve. */
async function isOurs(root: string): Promise<boolean> {
  const shared = MOUNTS.map(async (name) => {
    const [theirs, ours] = await Promise.all([
      stat(join(root, name)).catch(() => undefined),
      stat(join('/', name)),
    ]);
    return theirs?.ino === ours.ino && theirs.dev === ours.dev;
  });
  return (await Promise.all(shared)).every(Boolean);
}
