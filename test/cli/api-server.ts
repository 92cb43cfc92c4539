import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import { problemOf } from '../../src/api/problem.ts';
import { isBerthError } from '../../src/base/errors.ts';

/** A request as the server under test received it. */
export interface Received {
  readonly route: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

/** Answers a request with a value, or throws a coded error. */
export type Route = (received: Received) => unknown;

/** Our own HTTP API over a unix socket, answering prepared values. */
export class ApiServer implements AsyncDisposable {
  readonly socket: string;
  readonly received: Received[] = [];
  readonly #routes: Readonly<Record<string, Route>>;
  readonly #server: Server;
  readonly #consoles = new WebSocketServer({ noServer: true });
  readonly #directory: string;
  /** What happens on a console; set by the test. */
  onConsole: (socket: WebSocket, query: URLSearchParams) => void = (socket) => socket.close(1000);
  /** Refuses consoles with this instead of opening them. */
  consoleRefusal: Error | undefined;

  private constructor(directory: string, routes: Readonly<Record<string, Route>>) {
    this.#directory = directory;
    this.socket = join(directory, 'api.sock');
    this.#routes = routes;
    this.#server = createServer((request, response) => void this.#respond(request, response));
    this.#server.on('upgrade', (request, socket, head) => {
      if (this.consoleRefusal !== undefined) {
        const problem = problemOf(this.consoleRefusal);
        const body = JSON.stringify(problem);
        socket.end(
          `HTTP/1.1 ${problem.status} Refused\r\ncontent-type: application/problem+json\r\n` +
            `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
        );
        return;
      }
      const url = new URL(request.url ?? '/', 'http://berth');
      this.#consoles.handleUpgrade(request, socket, head, (console) =>
        this.onConsole(console, url.searchParams),
      );
    });
  }

  /** Starts a server whose routes are named `GET /api/v1/vms`. */
  static async start(routes: Readonly<Record<string, Route>>): Promise<ApiServer> {
    const directory = await mkdtemp(join(tmpdir(), 'berth-cli-'));
    const server = new ApiServer(directory, routes);
    await new Promise<void>((resolve) => server.#server.listen(server.socket, resolve));
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#consoles.clients) client.terminate();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await rm(this.#directory, { recursive: true });
  }

  async #respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await this.#answer(request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body: unknown }> {
    const url = new URL(request.url ?? '/', 'http://berth');
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    const received = {
      route: `${request.method} ${decodeURIComponent(url.pathname)}`,
      query: url.searchParams,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
    this.received.push(received);
    const route = this.#routes[received.route];
    if (route === undefined) return { status: 500, body: `no route ${received.route}` };
    try {
      return { status: 200, body: await route(received) };
    } catch (error) {
      if (!isBerthError(error)) throw error;
      return { status: error.http, body: problemOf(error) };
    }
  }
}
