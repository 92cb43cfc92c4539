import { request } from 'node:http';
import { WebSocket } from 'ws';
import { berthError } from '../base/errors.ts';

/** An answer larger than this is refused rather than kept in memory. */
export const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;
/** How long one request may take; waiting for an operation asks again and again. */
export const REQUEST_MS_MAX = 60_000;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Where the server is. */
export interface ServerAddress {
  /** Its unix socket. */
  readonly socket: string;
}

/** What came back: the status, and the body where it is JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Requests to the server, and websockets, over its unix socket. */
export class Transport {
  readonly #socket: string;

  constructor({ socket }: ServerAddress) {
    this.#socket = socket;
  }

  /** Opens a websocket at a path of the API. */
  open(path: string): WebSocket {
    return new WebSocket(`ws+unix://${this.#socket}:${path}`, { perMessageDeflate: false });
  }

  /**
   * Sends one request and takes its answer, whatever its status.
   * @throws BERTH_SERVER_UNREACHABLE, BERTH_PERMISSION; the signal's reason when that aborts
   */
  async exchange(
    method: Method,
    path: string,
    options: { readonly body?: unknown; readonly signal: AbortSignal | undefined },
  ): Promise<Answer> {
    const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
    const limit = AbortSignal.timeout(REQUEST_MS_MAX);
    const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(signal.aborted && options.signal?.aborted === true ? error : this.#failure(error));
      };
      const call = request(
        {
          socketPath: this.#socket,
          method,
          path,
          signal,
          headers: payload === undefined ? {} : { 'content-type': 'application/json' },
        },
        (response) => {
          const chunks: Buffer[] = [];
          let size = 0;
          response.on('data', (chunk: Buffer) => {
            size += chunk.length;
            if (size > RESPONSE_BYTES_MAX) call.destroy(new Error('its answer is too large'));
            else chunks.push(chunk);
          });
          response.on('error', fail);
          response.on('end', () => {
            resolve({ status: response.statusCode ?? 0, body: parseBody(Buffer.concat(chunks)) });
          });
        },
      );
      call.on('error', fail);
      call.end(payload);
    });
  }

  #failure(error: Error): Error {
    const code = 'code' in error ? error.code : undefined;
    if (code === 'EACCES') {
      return berthError('BERTH_PERMISSION', {
        what: this.#socket,
        reason: 'the server belongs to another user',
        remedy: 'run the command as the user who ran berth up',
      });
    }
    const reasons: Record<string, string> = {
      ENOENT: 'no server is running',
      ECONNREFUSED: 'a server was there but has ended',
    };
    const reason = typeof code === 'string' ? (reasons[code] ?? error.message) : error.message;
    return this.unreachable(reason);
  }

  /** The server does not answer as it should. */
  unreachable(reason: string): Error {
    return berthError('BERTH_SERVER_UNREACHABLE', { socket: this.#socket, reason });
  }
}

function parseBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
