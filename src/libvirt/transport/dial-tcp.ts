import { createConnection, type Socket } from 'node:net';
import { berthError, type BerthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import type { Wait } from '../rpc/wait.ts';
import type { LibvirtUri } from '../uri.ts';
import { openSocket } from './open-socket.ts';

/** Where libvirt listens unless told otherwise (libvirt 9.0, remote_driver.h). */
const TCP_PORT = 16_509;

/**
 * Silence after which the kernel asks the other side, on connections for streams too, where libvirt's
 * own keepalive is off. Ten unanswered questions a second apart end the socket.
 */
export const TCP_SILENCE_MS = 30_000;

/**
 * Connects by plain TCP, which anybody on the way can read and change.
 * @throws BERTH_URI_INVALID without a host, BERTH_HOST_NAME, BERTH_CONNECTION_CLOSED,
 * BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function dialTcp(uri: LibvirtUri, clock: Clock, wait: Wait): Promise<Socket> {
  const host = hostOf(uri);
  const port = uri.port ?? TCP_PORT;
  const noticing = { keepAlive: true, keepAliveInitialDelay: TCP_SILENCE_MS };
  const socket = createConnection({ host, port, noDelay: true, ...noticing });
  const refusal = (error: NodeJS.ErrnoException) => netRefusal(host, port, error);
  return openSocket(socket, { what: `connecting to ${host}:${port}`, refusal }, clock, wait);
}

/** The host of a URI that needs one. @throws BERTH_URI_INVALID. */
export function hostOf({ text, transport, host }: LibvirtUri): string {
  if (host !== undefined) return host;
  const problem = `${transport} leads to another machine, and none is named`;
  throw berthError('BERTH_URI_INVALID', { uri: text, problem });
}

/** What a socket to another machine failed with. */
export function netRefusal(host: string, port: number, error: NodeJS.ErrnoException): BerthError {
  const cause = { cause: error };
  if (error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN') {
    return berthError('BERTH_HOST_NAME', { host, reason: error.code }, cause);
  }
  const where = `${host} port ${port}`;
  if (error.code === 'ECONNREFUSED') {
    const reason = 'the machine is there, but nothing listens to that port';
    const remedy = `let libvirt listen there: virtproxyd-tls.socket, libvirtd-tls.socket or libvirtd --listen`;
    return berthError('BERTH_CONNECTION_CLOSED', { where, reason, remedy }, cause);
  }
  const remedy = 'check the address, the network and the firewalls on the way';
  const reason = error.message === '' ? (error.code ?? 'no connection') : error.message;
  return berthError('BERTH_CONNECTION_CLOSED', { where, reason, remedy }, cause);
}
