import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { berthError, isBerthError } from '../../src/base/errors.ts';
import type { KnownHost, KnownVm, ServerPort } from '../../src/local/server-port.ts';
import { stateFolder } from '../../src/local/state-folder.ts';

export const STUB_COMMAND: readonly string[] = [
  process.execPath,
  fileURLToPath(new URL('stub-server.ts', import.meta.url)),
];

/** The way to stub-server.ts. */
export function stubPort(home: string): ServerPort {
  const { socket } = stateFolder(home);
  const call = async (
    method: string,
    path: string,
    signal: AbortSignal,
    body?: unknown,
  ): Promise<unknown> => exchange(socket, method, path, signal, body);
  const act = async (name: string, action: string, signal: AbortSignal): Promise<void> => {
    await call('POST', `/vms/${name}/${action}`, signal);
  };
  const hosts = async (signal: AbortSignal) =>
    (await call('GET', '/hosts', signal)) as readonly KnownHost[];
  const vms = async (signal: AbortSignal) =>
    (await call('GET', '/vms', signal)) as readonly KnownVm[];
  return {
    async ready(deadlineMs, signal) {
      for (const end = performance.now() + deadlineMs; ; await delay(20, undefined, { signal })) {
        try {
          return (await call('GET', '/server', signal)) as { pid: number };
        } catch (error) {
          const waitOn = isBerthError(error, 'BERTH_SERVER_UNREACHABLE') && performance.now() < end;
          if (!waitOn) throw error;
        }
      }
    },
    hosts,
    async addHost(host, signal) {
      await call('POST', '/hosts', signal, host);
    },
    vms,
    async createVm(document, { signal }) {
      await call('POST', '/vms', signal, document);
    },
    startVm: async (name, { signal }) => act(name, 'start', signal),
    async stopVm(name, { force, signal }) {
      await act(name, force ? 'destroy' : 'shutdown', signal);
      while ((await vms(signal)).some((vm) => vm.name === name && vm.state !== 'shutoff')) {
        await delay(50, undefined, { signal });
      }
    },
    removeVm: async (name, { signal }) => act(name, 'remove', signal),
    consoleShows: async () => true,
  };
}

async function exchange(
  socketPath: string,
  method: string,
  path: string,
  signal: AbortSignal,
  body: unknown,
): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const outgoing = request({ socketPath, method, path, signal }, (response) => {
    let text = '';
    response.on('data', (chunk: Buffer) => (text += chunk.toString()));
    response.on('end', () => {
      if (response.statusCode === 200) resolve(JSON.parse(text));
      else reject(new Error(text));
    });
  });
  outgoing.on('error', (error) => {
    const reason = 'code' in error ? String(error.code) : error.message;
    const aborted = signal.aborted;
    reject(
      aborted ? error : berthError('BERTH_SERVER_UNREACHABLE', { socket: socketPath, reason }),
    );
  });
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}
