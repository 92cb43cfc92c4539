import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Client } from '../../../src/api/client.ts';
import type { Ports } from '../../../src/server/ports.ts';
import { serve } from '../../../src/server/serve.ts';
import { quietPorts } from '../quiet-ports.ts';

/** A request to a server. */
export interface Asked {
  readonly method?: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly payload?: string;
}

/** What came back, as it came. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The body where it is JSON; empty where there is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** A whole server without hosts, and its client. */
export interface BareServer extends AsyncDisposable {
  readonly client: Client;
  readonly socket: string;
  /** Begins to end the server; settles when it has ended. */
  stop(): Promise<void>;
}

/** @param store the URL of a database that others share; absent: a store of its own. */
export async function startBareServer(
  instead: Partial<Ports> = {},
  store?: string,
): Promise<BareServer> {
  const home = await mkdtemp(join(tmpdir(), 'berth-bare-'));
  const socket = join(home, 'api.sock');
  const end = new AbortController();
  const about = { version: 'test', pid: process.pid, environment: { uid: 0 } };
  const options = { home, socket, ...about, ...(store === undefined ? {} : { store }) };
  const ended = serve(options, quietPorts(instead), end.signal);
  const client = new Client({ socket });
  await Promise.race([client.ready(10_000), ended]);
  const stop = async (): Promise<void> => {
    end.abort();
    await ended;
  };
  return {
    client,
    socket,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
      await rm(home, { recursive: true });
    },
  };
}

/** Asks something of a server, as any HTTP client would. */
export async function ask(
  { socket }: { readonly socket: string },
  asked: Asked,
): Promise<Answered> {
  const { method = 'GET', url: path, headers = {}, payload } = asked;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const form = { socketPath: socket, method, path, headers };
    request(form, resolve).on('error', reject).end(payload);
  });
  const body = await text(response);
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: body === '' ? {} : (JSON.parse(body) as Answered['body']),
  };
}
