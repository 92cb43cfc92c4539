import { access } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { berthError, type BerthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import type { Wait } from '../rpc/wait.ts';

/**
 * Connects to the first of the sockets that exists; with none there, the last one's absence is
 * reported, since that is the daemon people know.
 * @throws BERTH_CONNECTION_CLOSED, BERTH_PERMISSION, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function dialUnix(
  paths: readonly string[],
  clock: Clock,
  wait: Wait,
): Promise<Socket> {
  for (const path of paths.slice(0, -1)) {
    if (await exists(path)) return connectTo(path, clock, wait);
  }
  return connectTo(paths.at(-1) ?? '', clock, wait);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function connectTo(path: string, clock: Clock, wait: Wait): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const socket = createConnection({ path });
  const what = `connecting to ${path}`;
  const stopClock = clock.after(wait.deadlineMs, () =>
    reject(berthError('BERTH_DEADLINE', { what, afterMs: wait.deadlineMs })),
  );
  const abort = () =>
    reject(berthError('BERTH_INTERRUPTED', { what }, { cause: wait.signal?.reason }));
  wait.signal?.addEventListener('abort', abort);
  socket.once('connect', () => resolve(socket));
  socket.once('error', (error) => reject(refusal(path, error)));
  if (wait.signal?.aborted === true) abort();
  try {
    return await promise;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    stopClock();
    wait.signal?.removeEventListener('abort', abort);
    socket.removeAllListeners('error');
    socket.on('error', ignoreAfterDestroy);
  }
}

/** Errors of a live socket reach the connection through `close`; this only keeps them from being thrown. */
function ignoreAfterDestroy(): void {}

function refusal(path: string, error: NodeJS.ErrnoException): BerthError {
  const cause = { cause: error };
  if (error.code === 'EACCES' || error.code === 'EPERM') {
    const remedy = 'join the group that owns the socket (often "libvirt"), or use qemu:///session';
    return berthError('BERTH_PERMISSION', { what: path, reason: error.code, remedy }, cause);
  }
  return berthError('BERTH_CONNECTION_CLOSED', { where: path, reason: reasonOf(error) }, cause);
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such socket';
  if (error.code === 'ECONNREFUSED') return 'the socket is there but no daemon listens to it';
  return error.message;
}
