import { access, stat } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { berthError, isBerthError, type BerthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import type { Wait } from '../rpc/wait.ts';
import { openSocket } from './open-socket.ts';

/**
 * Connects to the first of the sockets that exists; with none there, the last one's absence is
 * reported, since that is the daemon people know.
 * @param remedy what brings a daemon that is missing.
 * @throws BERTH_CONNECTION_CLOSED, BERTH_PERMISSION, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function dialUnix(
  paths: readonly string[],
  remedy: string,
  clock: Clock,
  wait: Wait,
): Promise<Socket> {
  for (const path of paths.slice(0, -1)) {
    if (await exists(path)) return connectTo(path, remedy, clock, wait);
  }
  return connectTo(paths.at(-1) ?? '', remedy, clock, wait);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function connectTo(path: string, remedy: string, clock: Clock, wait: Wait): Promise<Socket> {
  const refusal = (error: NodeJS.ErrnoException) => refusalOf(path, remedy, error);
  const opening = { what: `connecting to ${path}`, refusal };
  try {
    return await openSocket(createConnection({ path }), opening, clock, wait);
  } catch (error) {
    throw (await noSocket(path, error)) ?? error;
  }
}

/** The kernel refuses a file or folder in the way it refuses a socket that nobody listens to. */
async function noSocket(path: string, error: unknown): Promise<BerthError | undefined> {
  if (!isBerthError(error, 'BERTH_CONNECTION_CLOSED')) return undefined;
  const there = await stat(path).catch(() => undefined);
  if (there === undefined || there.isSocket()) return undefined;
  const kind = there.isDirectory() ? 'a folder' : there.isFile() ? 'a regular file' : 'a device';
  const remedy = 'name the socket itself with socket=, often /run/libvirt/libvirt-sock';
  const reason = `this is ${kind}, not a socket`;
  return berthError('BERTH_CONNECTION_CLOSED', { where: path, reason, remedy }, { cause: error });
}

function refusalOf(path: string, remedy: string, error: NodeJS.ErrnoException): BerthError {
  const cause = { cause: error };
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    const cure = 'join the group that owns the socket (often "libvirt"), or use qemu:///session';
    return berthError('BERTH_PERMISSION', { what: path, reason: error.code, remedy: cure }, cause);
  }
  const reason = reasonOf(error);
  return berthError('BERTH_CONNECTION_CLOSED', { where: path, reason, remedy }, cause);
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such socket';
  if (error.code === 'ECONNREFUSED') return 'the socket is there but no daemon listens to it';
  return error.message;
}
