import { isIP } from 'node:net';
import { berthError } from '../../base/errors.ts';
import { isLoopback } from './ways.ts';

/** An address of this machine, and a port of it. */
export interface ListenAddress {
  /** An IP address. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
}

/**
 * Reads `ADDRESS:PORT`, such as `127.0.0.1:8006`, `[::]:8443`, or `localhost:8006`.
 * @throws BERTH_SPEC_INVALID; a name is none, because it may stand for other addresses tomorrow.
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = plain === 'localhost' ? '127.0.0.1' : (bracketed ?? plain ?? '');
  const port = Number(digits);
  const family = isIP(host);
  const isWritten = family === (bracketed === undefined ? 4 : 6);
  if (isWritten && digits !== '' && port <= 65_535) return { host, port };
  throw berthError('BERTH_SPEC_INVALID', {
    where: '--listen',
    problem: `"${text}" is no address with a port`,
    expected: 'an IP address and a port, such as 127.0.0.1:8006 or [::]:8443',
  });
}

/** As it is written in URLs and messages. */
export function addressText({ host, port }: ListenAddress): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

/**
 * Refuses to let tokens cross a network in plain text.
 * @throws BERTH_USAGE
 */
export function refusePlainNetwork(address: ListenAddress): void {
  if (isLoopback(address.host)) return;
  throw berthError('BERTH_USAGE', {
    problem: `${addressText(address)} can be reached from the network, and without TLS everybody on the way could read the tokens`,
    usage:
      'give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy; --insecure-plain-http does it all the same',
  });
}
