import { request as plainRequest } from 'node:http';
import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { WebSocket } from 'ws';
import { berthError } from '../base/errors.ts';
import type { ServerAddress } from './server-address.ts';
import { certificateFailure } from './tls-failure.ts';

/** An answer larger than this is refused rather than kept in memory. */
export const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;
/** How long one request may take; waiting for an operation asks again and again. */
export const REQUEST_MS_MAX = 60_000;

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** What came back: the status, and the body where it is JSON. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** How a request begins. */
type CallForm = Omit<RequestOptions, 'headers'> & {
  readonly headers?: Readonly<Record<string, string>>;
};

/** Requests to the server, and websockets: over its unix socket, or over the network with a token. */
export class Transport {
  readonly #address: ServerAddress;

  constructor(address: ServerAddress) {
    this.#address = address;
  }

  /** Opens a websocket at a path of the API. */
  open(path: string): WebSocket {
    const address = this.#address;
    const form = { perMessageDeflate: false, headers: this.#headers() };
    if ('socket' in address) return new WebSocket(`ws+unix://${address.socket}:${path}`, form);
    const { url, ca } = address;
    const trusted = ca === undefined ? {} : { ca };
    return new WebSocket(`${url.replace(/^http/, 'ws')}${path}`, { ...form, ...trusted });
  }

  /**
   * Sends one request and takes its answer, whatever its status.
   * @param options.key an idempotency key: the same request may be sent again under it.
   * @throws BERTH_SERVER_UNREACHABLE, BERTH_PERMISSION; the signal's reason when that aborts
   */
  async exchange(
    method: Method,
    path: string,
    options: {
      readonly body?: unknown;
      readonly key?: string | undefined;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<Answer> {
    const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
    const limit = AbortSignal.timeout(REQUEST_MS_MAX);
    const signal = options.signal === undefined ? limit : AbortSignal.any([limit, options.signal]);
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        const failure = this.#failure(error, method !== 'GET');
        reject(signal.aborted && options.signal?.aborted === true ? error : failure);
      };
      const headers = {
        ...(payload === undefined ? {} : JSON_HEADERS),
        ...(options.key === undefined ? {} : { 'idempotency-key': options.key }),
      };
      const call = this.#request({ method, path, signal, headers }, (response) => {
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
      });
      call.on('error', fail);
      call.end(payload);
    });
  }

  /**
   * Opens a stream that lasts until either side ends it; one on which nothing comes for `idleMs` is
   * broken off. Its status may be any: an error's body is for the caller to read.
   * @throws BERTH_SERVER_UNREACHABLE, BERTH_PERMISSION; the signal's reason when that aborts
   */
  async stream(
    path: string,
    options: {
      readonly headers: Readonly<Record<string, string>>;
      readonly idleMs: number;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<IncomingMessage> {
    const { headers, idleMs, signal } = options;
    return new Promise((resolve, reject) => {
      const form = { method: 'GET', path, headers, ...(signal === undefined ? {} : { signal }) };
      const call = this.#request(form, resolve);
      call.setTimeout(idleMs, () => call.destroy(new Error('nothing came for too long')));
      call.on('error', (error) => {
        reject(signal?.aborted === true ? error : this.#failure(error, false));
      });
      call.end();
    });
  }

  /** Begins a request; the caller sends its body, if any, and ends it. */
  #request(options: CallForm, take: (response: IncomingMessage) => void): ClientRequest {
    const address = this.#address;
    const headers = { ...this.#headers(), ...options.headers };
    if ('socket' in address) {
      return plainRequest({ ...options, headers, socketPath: address.socket }, take);
    }
    const { url, ca } = address;
    if (url.startsWith('http:')) return plainRequest(url, { ...options, headers }, take);
    const trusted = ca === undefined ? {} : { ca };
    return tlsRequest(url, { ...options, headers, ...trusted }, take);
  }

  #headers(): Readonly<Record<string, string>> {
    const token = 'socket' in this.#address ? undefined : this.#address.token;
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  #failure(error: Error, isChange: boolean): Error {
    const address = this.#address;
    const code = 'code' in error ? String(error.code) : '';
    const isSent = isChange && !UNSENT.has(code);
    if ('url' in address) {
      return (
        certificateFailure(address.url, error) ??
        this.unreachable(NET_REASONS[code] ?? error.message, isSent)
      );
    }
    if (code === 'EACCES') {
      return berthError('BERTH_PERMISSION', {
        what: address.socket,
        reason: 'the server belongs to another user',
        remedy: 'run the command as the user who ran berth up',
      });
    }
    return this.unreachable(SOCKET_REASONS[code] ?? error.message, isSent);
  }

  /**
   * The server does not answer as it should.
   * @param isSent true for a change that may have reached it.
   */
  unreachable(reason: string, isSent = false): Error {
    const socket = 'socket' in this.#address ? this.#address.socket : this.#address.url;
    return berthError('BERTH_SERVER_UNREACHABLE', {
      socket,
      reason,
      ...(isSent ? { isSent } : {}),
    });
  }
}

const JSON_HEADERS = { 'content-type': 'application/json' };

/** Failures before there was a connection: nothing has been sent. */
const UNSENT: ReadonlySet<string> = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EHOSTUNREACH',
]);

const SOCKET_REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no server is running',
  ECONNREFUSED: 'a server was there but has ended',
};

const NET_REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'there is no such name',
  ETIMEDOUT: 'there was no answer in time',
  EHOSTUNREACH: 'there is no way to that machine',
  ECONNRESET: 'the connection was cut',
  EPROTO: 'it does not speak TLS',
};

function parseBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
