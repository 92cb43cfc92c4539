import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { berthError } from '../base/errors.ts';
import { errorOf } from './problem.ts';
import {
  hostRemoval,
  hostSummary,
  hostView,
  operationView,
  planView,
  serverView,
  vmSummary,
  vmView,
  whyView,
} from './resources.ts';
import type {
  HostRemoval,
  HostSummary,
  HostView,
  OperationView,
  PlanView,
  ServerView,
  VmSummary,
  VmView,
  WhyView,
} from './resources.ts';
import type { VmDocument } from './vm-spec.ts';

/** An answer larger than this is refused rather than kept in memory. */
export const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;
/** How long one request may take; waiting for an operation asks again and again. */
export const REQUEST_MS_MAX = 60_000;
const WAIT_SLICE_MS = 20_000;

type Method = 'GET' | 'POST' | 'DELETE';

/** A typed client of the HTTP API over the server's unix socket. Every error is a BerthError. */
export class Client {
  readonly #socket: string;

  constructor(options: { readonly socket: string }) {
    this.#socket = options.socket;
  }

  async server(signal?: AbortSignal): Promise<ServerView> {
    return this.#call('GET', '/api/v1/server', serverView, { signal });
  }

  async hosts(signal?: AbortSignal): Promise<readonly HostSummary[]> {
    const shape = z.object({ hosts: z.array(hostSummary) });
    return (await this.#call('GET', '/api/v1/hosts', shape, { signal })).hosts;
  }

  async host(name: string, signal?: AbortSignal): Promise<HostView> {
    return this.#call('GET', `/api/v1/hosts/${encodeURIComponent(name)}`, hostView, { signal });
  }

  /** Registers a host; the same name and URI again is no error. */
  async addHost(host: { name: string; uri: string }, signal?: AbortSignal): Promise<HostSummary> {
    return this.#call('POST', '/api/v1/hosts', hostSummary, { body: host, signal });
  }

  /**
   * Lets the server forget a host; nothing on the host itself is touched. Refused while operations
   * work on it or VMs of Berth's are there, but with `force`.
   */
  async removeHost(
    name: string,
    options: { readonly force?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<HostRemoval> {
    const path = `/api/v1/hosts/${encodeURIComponent(name)}?force=${options.force ?? false}`;
    return this.#call('DELETE', path, hostRemoval, { signal });
  }

  async vms(signal?: AbortSignal): Promise<readonly VmSummary[]> {
    const shape = z.object({ vms: z.array(vmSummary) });
    return (await this.#call('GET', '/api/v1/vms', shape, { signal })).vms;
  }

  async vm(name: string, signal?: AbortSignal): Promise<VmView> {
    return this.#call('GET', vmPath(name), vmView, { signal });
  }

  async why(name: string, signal?: AbortSignal): Promise<WhyView> {
    return this.#call('GET', `${vmPath(name)}/why`, whyView, { signal });
  }

  /** Where a VM would sit now; claims nothing. */
  async plan(document: VmDocument, signal?: AbortSignal): Promise<PlanView> {
    return this.#call('POST', '/api/v1/plan', planView, { body: document, signal });
  }

  /** Begins to create a VM; follow the operation with `wait`. */
  async createVm(
    document: VmDocument,
    options: { readonly start: boolean },
    signal?: AbortSignal,
  ): Promise<OperationView> {
    const path = `/api/v1/vms?start=${options.start}`;
    return this.#call('POST', path, operationView, { body: document, signal });
  }

  /** Begins start, stop, reboot, pause or resume. `force` pulls the plug instead of asking the guest. */
  async act(
    name: string,
    action: 'start' | 'stop' | 'reboot' | 'pause' | 'resume',
    options: { readonly force?: boolean } = {},
    signal?: AbortSignal,
  ): Promise<OperationView> {
    const path = `${vmPath(name)}/${action}?force=${options.force ?? false}`;
    return this.#call('POST', path, operationView, { signal });
  }

  /** Begins to remove a VM with the disks Berth made for it; a running one only with `force`. */
  async removeVm(
    name: string,
    options: { readonly force: boolean },
    signal?: AbortSignal,
  ): Promise<OperationView> {
    const path = `${vmPath(name)}?force=${options.force}`;
    return this.#call('DELETE', path, operationView, { signal });
  }

  async operations(signal?: AbortSignal): Promise<readonly OperationView[]> {
    const shape = z.object({ operations: z.array(operationView) });
    return (await this.#call('GET', '/api/v1/operations', shape, { signal })).operations;
  }

  /**
   * Follows an operation to its end, telling each change; returns its last state, whatever it is.
   * One that failed and is taken back only when something else happens (`waitsFor`, such as a host
   * that comes back) is not waited for: the server goes on with it by itself.
   * The operation goes on in the server when the signal aborts the waiting.
   */
  async wait(
    operation: OperationView,
    onChange: (operation: OperationView) => void,
    signal?: AbortSignal,
  ): Promise<OperationView> {
    let last = operation;
    onChange(last);
    while (last.state === 'running' && last.waitsFor === undefined) {
      const path = `/api/v1/operations/${last.id}?after=${last.revision}&waitMs=${WAIT_SLICE_MS}`;
      const next = await this.#call('GET', path, operationView, { signal });
      if (next.revision !== last.revision) onChange(next);
      last = next;
    }
    return last;
  }

  /** Waits until the server answers; for the moment after it was started. */
  async ready(deadlineMs: number, signal?: AbortSignal): Promise<ServerView> {
    const pauseMs = 50;
    for (let waitedMs = 0; ; waitedMs += pauseMs) {
      try {
        return await this.server(signal);
      } catch (error) {
        if (waitedMs >= deadlineMs || signal?.aborted === true) throw error;
      }
      await sleep(pauseMs);
    }
  }

  /**
   * Opens the serial console of a running VM: binary messages are bytes, both ways; the server
   * closes with code 4000 and the registry's text as reason when it cannot go on.
   * `force` takes the console from whoever has it.
   */
  openConsole(name: string, options: { readonly force: boolean }): WebSocket {
    const path = `${vmPath(name)}/console?force=${options.force}`;
    return new WebSocket(`ws+unix://${this.#socket}:${path}`, { perMessageDeflate: false });
  }

  async #call<T>(
    method: Method,
    path: string,
    shape: z.ZodType<T>,
    options: { readonly body?: unknown; readonly signal: AbortSignal | undefined },
  ): Promise<T> {
    const { status, body } = await this.#exchange(method, path, options);
    if (status >= 400) throw errorOf(body) ?? this.#unreachable(`it answered ${status}`);
    const parsed = shape.safeParse(body);
    if (parsed.success) return parsed.data;
    throw this.#unreachable(`its answer to ${method} ${path} is not understood; update both sides`);
  }

  async #exchange(
    method: Method,
    path: string,
    options: { readonly body?: unknown; readonly signal: AbortSignal | undefined },
  ): Promise<{ status: number; body: unknown }> {
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
    return this.#unreachable(reason);
  }

  #unreachable(reason: string): Error {
    return berthError('BERTH_SERVER_UNREACHABLE', { socket: this.#socket, reason });
  }
}

function vmPath(name: string): string {
  return `/api/v1/vms/${encodeURIComponent(name)}`;
}

function parseBody(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}
