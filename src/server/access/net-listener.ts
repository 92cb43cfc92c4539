import { createServer as createPlain } from 'node:http';
import type { ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { berthError } from '../../base/errors.ts';
import type { ServerCertificate } from './certificate.ts';
import { addressText } from './listen-address.ts';
import type { ListenAddress } from './listen-address.ts';
import type { Way, Ways } from './ways.ts';

/** The API on one address of the network. */
export class NetListener {
  readonly #server: ReturnType<typeof createPlain>;
  readonly #tls: Server | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #answering = new Set<ServerResponse>();
  #whenQuiet: () => void = () => {};

  private constructor(server: ReturnType<typeof createPlain>, tls: Server | undefined) {
    this.#server = server;
    this.#tls = tls;
  }

  /**
   * Opens an address; requests and upgrades go to the app as if they came by its own socket, but are
   * marked as what they are.
   * @param certificate absent: plain HTTP.
   * @throws BERTH_BUSY, BERTH_PERMISSION, BERTH_USAGE
   */
  static async open(
    app: FastifyInstance,
    ways: Ways,
    address: ListenAddress,
    certificate: ServerCertificate | undefined,
  ): Promise<NetListener> {
    const tls =
      certificate === undefined ? undefined : createTls({ ...secrets(certificate), ...TLS_FORM });
    // Both kinds of server are told apart by how they begin alone.
    const server = (tls ?? createPlain()) as ReturnType<typeof createPlain>;
    const listener = new NetListener(server, tls);
    const way: Way = tls === undefined ? 'plain' : 'tls';
    server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      ways.tell(socket, way);
    });
    server.on('connection', (socket) => listener.#keep(socket));
    server.on('request', (request, response) => {
      listener.#follow(response);
      app.routing(request, response);
    });
    server.on('upgrade', (request, socket, head) =>
      app.server.emit('upgrade', request, socket, head),
    );
    await listenOn(server, address);
    return listener;
  }

  /** Where it listens, the port that was chosen included. */
  get address(): ListenAddress {
    const { address, port } = this.#server.address() as AddressInfo;
    return { host: address, port };
  }

  /** New connections get this certificate; those that are there keep theirs. */
  renew(certificate: ServerCertificate): void {
    this.#tls?.setSecureContext({ ...secrets(certificate), ...TLS_FORM });
  }

  /** Takes no new connections, lets answers that have begun come to their end, and ends the rest. */
  async close(patience: Promise<void>): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const quiet = new Promise<void>((resolve) => {
      this.#whenQuiet = resolve;
    });
    if (this.#answering.size > 0) await Promise.race([quiet, patience]);
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  #follow(response: ServerResponse): void {
    this.#answering.add(response);
    response.on('close', () => {
      this.#answering.delete(response);
      if (this.#answering.size === 0) this.#whenQuiet();
    });
  }
}

/** Who connects and then says nothing is let go of soon. */
const TLS_FORM = { minVersion: 'TLSv1.2', handshakeTimeout: 10_000 } as const;

function secrets({ cert, key }: ServerCertificate): Pick<ServerCertificate, 'cert' | 'key'> {
  return { cert, key };
}

async function listenOn(
  server: ReturnType<typeof createPlain>,
  address: ListenAddress,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(listenFailure(error, address)));
    server.listen({ ...address, exclusive: true, ipv6Only: true }, resolve);
  });
}

function listenFailure(error: Error, address: ListenAddress): unknown {
  const text = addressText(address);
  switch ('code' in error ? error.code : undefined) {
    case 'EADDRINUSE':
      return berthError('BERTH_BUSY', { what: text, holder: 'something listens there already' });
    case 'EACCES':
      return berthError('BERTH_PERMISSION', {
        what: text,
        reason: 'ports below 1024 are for root alone',
        remedy: 'choose a higher port, or let a proxy listen there',
      });
    case 'EADDRNOTAVAIL':
      return berthError('BERTH_USAGE', {
        problem: `${text} is no address of this machine`,
        usage: 'see those that it has: ip -brief address',
      });
    default:
      return error;
  }
}
