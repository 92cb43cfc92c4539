import { Client } from '../api/client.ts';
import { errorOf } from '../api/problem.ts';
import type { OperationView } from '../api/resources.ts';
import { berthError } from '../base/errors.ts';
import type { Following, ServerPort } from '../local/server-port.ts';
import { apiSocket } from '../local/api-socket.ts';

/** What `local` asks of the server, over the API's client. */
export function serverPort(home: string): ServerPort {
  const client = new Client({ socket: apiSocket(home) });
  return {
    ready: async (deadlineMs, signal) => client.ready(deadlineMs, signal),
    hosts: async (signal) => client.hosts(signal),
    addHost: async (host, signal) => {
      await client.addHost(host, signal);
    },
    vms: async (signal) => client.vms({}, signal),
    createVm: async (document, { start, ...following }) => {
      const operation = await client.createVm(document, { start }, following.signal);
      await follow(client, operation, following);
    },
    startVm: async (name, following) => {
      await follow(client, await client.act(name, 'start', {}, following.signal), following);
    },
    stopVm: async (name, { force, ...following }) => {
      const operation = await client.act(name, 'stop', { force }, following.signal);
      await follow(client, operation, following);
    },
    removeVm: async (name, { force, ...following }) => {
      const operation = await client.removeVm(name, { force }, following.signal);
      await follow(client, operation, following);
    },
    consoleShows: async (name, text, wait) => consoleShows(client, name, text, wait),
  };
}

/** Keys are pressed this often: a prompt that has been shown already is shown again. */
const PRESS_MS = 400;

async function consoleShows(
  client: Client,
  name: string,
  text: string,
  { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<boolean> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]);
  const socket = client.openConsole(name, { force: false });
  const press = setInterval(() => {
    if (socket.readyState === socket.OPEN) socket.send(Buffer.from('\r'));
  }, PRESS_MS);
  try {
    return await new Promise<boolean>((resolve) => {
      let seen = '';
      socket.on('message', (data: Buffer) => {
        // The text may be split between two messages: keep as much as can begin it.
        seen = seen.slice(-text.length) + data.toString('utf8');
        if (seen.includes(text)) resolve(true);
      });
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
      until.addEventListener('abort', () => resolve(false));
      if (until.aborted) resolve(false);
    });
  } finally {
    clearInterval(press);
    socket.close();
  }
}

/** Waits for an operation's end and throws its error. */
async function follow(
  client: Client,
  operation: OperationView,
  { signal, onStep }: Following,
): Promise<void> {
  const tell = ({ steps, done }: OperationView): void => {
    const step = steps[done];
    if (step !== undefined) onStep?.(step);
  };
  const last = await client.wait(operation, tell, signal);
  if (last.state === 'done') return;
  throw (
    errorOf(last.error) ??
    berthError('BERTH_INTERNAL', { what: `${last.kind} ${last.vm} ended as ${last.state}` })
  );
}
