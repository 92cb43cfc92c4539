import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { format } from 'prettier';
import { Client } from '../src/api/client.ts';
import { KeptLink } from '../src/host/kept-link.ts';
import type { Ports } from '../src/server/ports.ts';
import { serve } from '../src/server/serve.ts';

const PATH = 'docs/openapi.json';

/** What `docs/openapi.json` is to say: what a server of this version answers for itself. */
export async function openapiText(): Promise<string> {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  const home = await mkdtemp(join(tmpdir(), 'berth-openapi-'));
  const socket = join(home, 'api.sock');
  const stop = new AbortController();
  const options = { home, socket, version, pid: process.pid, environment: { uid: 0 } };
  const ended = serve(options, PORTS, stop.signal);
  try {
    await Promise.race([new Client({ socket }).ready(10_000), ended]);
    const document = await get(socket, '/api/v1/openapi.json');
    return await format(document, { parser: 'json', printWidth: 100 });
  } finally {
    stop.abort();
    await ended;
    await rm(home, { recursive: true });
  }
}

async function get(socketPath: string, path: string): Promise<string> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ socketPath, path }, resolve).on('error', reject).end();
  });
  return text(response);
}

/** The real world, of which a server without hosts needs little; it writes no log. */
const PORTS: Ports = {
  now: Date.now,
  uuid: randomUUID,
  random: Math.random,
  secret: randomBytes,
  sleep: async (ms, signal) => wait(ms, undefined, signal === undefined ? {} : { signal }),
  keepLink: (address, keeper, random) => new KeptLink(address, keeper, random),
  log: { info: () => {}, warn: () => {}, error: () => {} },
};

if (import.meta.main) await writeFile(PATH, await openapiText());
