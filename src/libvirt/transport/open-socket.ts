import type { Socket } from 'node:net';
import type { BerthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import { within, type Wait } from '../rpc/wait.ts';

interface Opening {
  /** What is waited for, as errors say it. */
  readonly what: string;
  /** What a socket's failure means. */
  readonly refusal: (error: NodeJS.ErrnoException) => BerthError;
  /** Ends the waiting; `connect` when left out. */
  readonly event?: 'connect' | 'secureConnect';
}

/**
 * Waits until a new socket is connected; it is destroyed when that fails.
 * @throws what `refusal` makes, BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function openSocket<S extends Socket>(
  socket: S,
  { what, refusal, event = 'connect' }: Opening,
  clock: Clock,
  wait: Wait,
): Promise<S> {
  const { promise, resolve, reject } = Promise.withResolvers<S>();
  const fail = (error: Error) => reject(refusal(error));
  // Errors of a live socket reach the connection by listeners of its own; this one only keeps them
  // from being thrown in between, and after the end.
  socket.on('error', fail);
  socket.once(event, () => resolve(socket));
  try {
    return await within(promise, what, clock, wait);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
