import type { Socket } from 'node:net';
import { BlockList, isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

/** How a connection came in: by the server's own socket, or from the network. */
export type Way = 'socket' | 'plain' | 'tls';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Whether an IP address is of this machine alone. */
export function isLoopback(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && LOOPBACK.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

/**
 * How each connection came in. One that nobody has told of counts as from the network: whoever has
 * no token has no right by it.
 */
export class Ways {
  readonly #ways = new WeakMap<Socket, Way>();
  /** A proxy on this machine tells the truth about who asks, and how. */
  readonly #isProxied: boolean;

  constructor({ isProxied }: { readonly isProxied: boolean }) {
    this.#isProxied = isProxied;
  }

  tell(socket: Socket, way: Way): void {
    this.#ways.set(socket, way);
  }

  of(request: FastifyRequest): Way {
    return this.#ways.get(request.raw.socket) ?? 'plain';
  }

  /** Where a request comes from; undefined for the server's own socket. */
  addressOf(request: FastifyRequest): string | undefined {
    if (this.of(request) === 'socket') return undefined;
    const address = request.raw.socket.remoteAddress ?? 'unknown';
    return (this.#isFromProxy(address) ? lastOf(request, 'x-forwarded-for') : undefined) ?? address;
  }

  /** Whether what is sent can be read on the way: decides whether cookies are for TLS alone. */
  isEncrypted(request: FastifyRequest): boolean {
    if (this.of(request) === 'tls') return true;
    const address = request.raw.socket.remoteAddress ?? '';
    return this.#isFromProxy(address) && lastOf(request, 'x-forwarded-proto') === 'https';
  }

  #isFromProxy(address: string): boolean {
    return this.#isProxied && isLoopback(address);
  }
}

/** What the nearest proxy added; all before it may be anybody's invention. */
function lastOf({ headers }: FastifyRequest, name: string): string | undefined {
  const values = [headers[name] ?? []].flat().join(',').split(',');
  const last = values.at(-1)?.trim();
  return last === '' ? undefined : last;
}
