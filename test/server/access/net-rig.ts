import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { request as plainRequest } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '../../../src/api/client.ts';
import type { CreatedToken, TokenWish } from '../../../src/api/access.ts';
import type { Ports } from '../../../src/server/ports.ts';
import { serve } from '../../../src/server/serve.ts';
import type { ServeOptions } from '../../../src/server/serve.ts';
import { quietPorts } from '../quiet-ports.ts';

/** A server in this process without hosts, open on a loopback port of its own choice. */
export interface NetRig extends AsyncDisposable {
  readonly home: string;
  /** As the owner, over the socket. */
  readonly owner: Client;
  readonly socket: string;
  readonly url: string;
  /** Makes a token and gives its text. */
  token(wish: TokenWish): Promise<string>;
  ask(method: string, path: string, how?: How): Promise<Answer>;
}

/** How a request is made, beside where to. */
export interface How {
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly ca?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: { readonly code?: string; readonly [key: string]: unknown };
}

export async function startNetRig(
  options: Partial<Omit<ServeOptions, 'home' | 'socket'>> = {},
  ports: Partial<Ports> = {},
): Promise<NetRig> {
  const home = await mkdtemp(join(tmpdir(), 'berth-net-'));
  await mkdir(join(home, 'run'));
  const socket = join(home, 'run', 'api.sock');
  const stop = new AbortController();
  const open = Promise.withResolvers<readonly string[]>();
  const ended = serve(
    {
      home,
      socket,
      version: 'test',
      pid: process.pid,
      environment: { uid: 0 },
      gates: { listen: ['127.0.0.1:0'], isPlainAllowed: false },
      onOpen: open.resolve,
      ...options,
    },
    quietPorts(ports),
    stop.signal,
  );
  const clean = async (): Promise<void> => rm(home, { recursive: true });
  // A server that cannot begin ends before it is open.
  const [url = ''] = await Promise.race([open.promise, ended.then(() => [])]).catch(
    async (error: unknown) => {
      await clean();
      throw error;
    },
  );
  return {
    home,
    socket,
    url,
    owner: new Client({ socket }),
    token: async (wish) => {
      const made = await askServer(url, 'POST', '/api/v1/tokens', { body: wish }, socket);
      if (made.status !== 201) throw new Error(made.text);
      return (made.body as unknown as CreatedToken).token;
    },
    ask: async (method, path, how = {}) => askServer(url, method, path, how),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await ended;
      await clean();
    },
  };
}

/** Asks by the network, or by a unix socket. */
export async function askServer(
  url: string,
  method: string,
  path: string,
  how: How,
  socketPath?: string,
): Promise<Answer> {
  const headers: Record<string, string> = {
    ...(how.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(how.token === undefined ? {} : { authorization: `Bearer ${how.token}` }),
    ...how.headers,
  };
  const form = { method, headers, agent: false } as const;
  const call =
    socketPath !== undefined
      ? plainRequest({ ...form, socketPath, path })
      : url.startsWith('https')
        ? tlsRequest(url + path, { ...form, ...(how.ca === undefined ? {} : { ca: how.ca }) })
        : plainRequest(url + path, form);
  call.end(how.body === undefined ? undefined : JSON.stringify(how.body));
  const [response] = await once(call, 'response');
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  return {
    status: response.statusCode,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? JSON.parse(text) : {},
  };
}

/** A certificate for 127.0.0.1 and localhost that signs itself, and its key; PEM files. */
export async function makeCertificate(
  folder: string,
  name: string,
  days = 7,
): Promise<{ readonly certificate: string; readonly key: string }> {
  const certificate = join(folder, `${name}.crt`);
  const key = join(folder, `${name}.key`);
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', key, '-out', certificate, '-days', String(days)];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...files, ...subject]);
  return { certificate, key };
}
