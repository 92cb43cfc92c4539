import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SharedReading } from './shared-reading.ts';

/** A process of this machine, by what the kernel shows of it. */
export interface Process {
  /** In our pid namespace. */
  readonly pid: string;
  /** The name of its program, cut off at 15 characters (proc(5), comm). */
  readonly program: string;
}

/** Flags of a listening socket in /proc/net/unix: __SO_ACCEPTCON (linux/net.h). */
const LISTENING = '00010000';
/** `Num: RefCount Protocol Flags Type St Inode Path` (net/unix/af_unix.c, unix_seq_show). */
const SOCKET_LINE = /^\S+ \S+ \S+ (\S+) \S+ \S+ +(\d+) (.+)$/;

/**
 * The processes that accept connections at a unix socket, in whatever namespaces they live: several
 * where one was handed on, as systemd does. Empty when that cannot be told: an ordinary user does
 * not see what others have open, and a listener outside of our pid namespace is not seen at all; and
 * when the socket is gone.
 * @param first programs that are looked at before all others, which then need not be.
 */
export async function socketListeners(
  path: string,
  first: ReadonlySet<string>,
): Promise<readonly Process[]> {
  const { all, sockets: listed } = await machine.get();
  const real = await ifThere(realpath(path));
  if (real === undefined) return [];
  const sockets = listed.get(basename(real)) ?? [];
  const file = await ifThere(stat(path));
  if (sockets.length === 0 || file === undefined) return [];
  const holders = async (some: readonly Process[]): Promise<readonly Process[]> => {
    const found = await Promise.all(some.map(async (each) => isListener(each, sockets, file)));
    return some.filter((_, index) => found[index] === true);
  };
  const likely = await holders(all.filter(({ program }) => first.has(program)));
  return likely.length > 0 ? likely : holders(all.filter(({ program }) => !first.has(program)));
}

/** What this machine shows of its processes and sockets: hosts that come at once share a look. */
const machine = new SharedReading(async () => {
  const all = await processes();
  return { all, sockets: await listeningSockets(all) };
});

async function processes(): Promise<readonly Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const named = pids.map(async (pid) => ({
    pid,
    program: ((await ifThere(readFile(`/proc/${pid}/comm`, 'utf8'))) ?? '').trim(),
  }));
  return Promise.all(named);
}

/** A socket that listens, by its inode and the path it was bound to as its process saw it. */
interface ListeningSocket {
  readonly link: string;
  readonly boundTo: string;
}

/** By the name of the file. Every network namespace lists its own: one process of each is asked. */
async function listeningSockets(
  all: readonly Process[],
): Promise<ReadonlyMap<string, readonly ListeningSocket[]>> {
  const namespaces = new Map<string, string>();
  for (const { pid } of all) {
    const namespace = await ifThere(readlink(`/proc/${pid}/ns/net`));
    if (namespace !== undefined && !namespaces.has(namespace)) namespaces.set(namespace, pid);
  }
  const pids = ['self', ...namespaces.values()];
  const lists = pids.map(
    async (pid) => (await ifThere(readFile(`/proc/${pid}/net/unix`, 'utf8'))) ?? '',
  );
  const lines = (await Promise.all(lists)).flatMap((list) => list.split('\n'));
  const sockets = lines.flatMap((line) => {
    const [, flags, inode = '', boundTo = ''] = SOCKET_LINE.exec(line) ?? [];
    return flags === LISTENING ? [{ link: `socket:[${inode}]`, boundTo }] : [];
  });
  return Map.groupBy(sockets, ({ boundTo }) => basename(boundTo));
}

/** Many sockets are bound to paths of the same name: what counts is that it is the very file. */
async function isListener(
  { pid }: Process,
  sockets: readonly ListeningSocket[],
  file: FileIdentity,
): Promise<boolean> {
  const links = await openFiles(pid);
  for (const { link, boundTo } of sockets) {
    if (links.has(link) && (await isFile(pid, boundTo, file))) return true;
  }
  return false;
}

const readings = new Map<string, SharedReading<ReadonlySet<string | undefined>>>();

/** What a process has open, as links of /proc; empty when that cannot be told. */
async function openFiles(pid: string): Promise<ReadonlySet<string | undefined>> {
  const shared = readings.get(pid) ?? new SharedReading(async () => readOpenFiles(pid));
  readings.set(pid, shared);
  try {
    return await shared.get();
  } finally {
    if (shared.isIdle) readings.delete(pid);
  }
}

async function readOpenFiles(pid: string): Promise<ReadonlySet<string | undefined>> {
  const descriptors = (await ifThere(readdir(`/proc/${pid}/fd`))) ?? [];
  const links = descriptors.map(async (fd) => ifThere(readlink(`/proc/${pid}/fd/${fd}`)));
  return new Set(await Promise.all(links));
}

interface FileIdentity {
  readonly ino: number;
  readonly dev: number;
}

/** An absolute symbolic link below a process's root leads into our own root, so not by /var/run. */
async function isFile(pid: string, path: string, file: FileIdentity): Promise<boolean> {
  const places = path.startsWith('/')
    ? [join('root', path), join('root', path.replace(/^\/var\/run\//, '/run/'))]
    : [join('cwd', path)];
  for (const place of places) {
    const found = await ifThere(stat(`/proc/${pid}/${place}`));
    if (found?.ino === file.ino && found.dev === file.dev) return true;
  }
  return false;
}

/** What the kernel tells of a process or a file, unless it has gone or is another user's. */
async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch(() => undefined);
}
