import { BlockList, isIP } from 'node:net';
import { berthError } from '../base/errors.ts';

/** The server on this machine, by its unix socket. */
export interface SocketAddress {
  readonly socket: string;
}

/** A server on the network. */
export interface NetAddress {
  /** `https://HOST:PORT`; `http://` only for this machine. */
  readonly url: string;
  readonly token?: string;
  /** PEM text of the authorities that may vouch for it; absent: those of the system. */
  readonly ca?: string;
}

/** Where the server is. */
export type ServerAddress = SocketAddress | NetAddress;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * Reads the URL of a server. Over plain HTTP a token would cross the network for everybody to read,
 * so that is only for this machine.
 * @param isPlainAllowed plain HTTP to wherever.
 * @returns the URL without a path.
 * @throws BERTH_USAGE
 */
export function parseServerUrl(text: string, isPlainAllowed = false): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const usage = 'give it as https://HOST:PORT';
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw berthError('BERTH_USAGE', { problem: `"${text}" is no URL of a server`, usage });
  }
  if (url.username !== '' || url.password !== '' || url.pathname !== '/' || url.search !== '') {
    const problem = 'the URL of a server is its scheme, host and port alone';
    throw berthError('BERTH_USAGE', { problem, usage });
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  const isHere =
    host === 'localhost' || (family !== 0 && LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4'));
  if (url.protocol === 'https:' || isHere || isPlainAllowed) return url.origin;
  throw berthError('BERTH_USAGE', {
    problem: `${url.origin} is plain HTTP: everybody on the way could read the token`,
    usage: 'use https://; BERTH_INSECURE_PLAIN_HTTP=1 does it all the same',
  });
}
