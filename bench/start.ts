import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '../src/api/client.ts';
import {
  connect,
  DomainEvent,
  domainDestroyFlags,
  domainGetXmlDesc,
  domainOf,
  DomainXmlFlag,
} from '../src/libvirt/index.ts';
import type { Connection, EventFeed } from '../src/libvirt/index.ts';
import { serve } from '../src/server/serve.ts';
import { quietPorts } from '../test/server/quiet-ports.ts';
import { startLabHost } from '../test/lab/lab-host.ts';
import { median, type BenchResult } from './result.ts';

/**
 * From the request to the domain's STARTED event: `POST /vms/NAME/start` against `virsh start` of a
 * domain of the same XML, on the same libvirtd, one after the other in each round.
 */

const ROUNDS = 15;
const WAIT = { deadlineMs: 60_000 };
const STARTED = 2;
const run = promisify(execFile);

export async function bench(): Promise<readonly BenchResult[]> {
  const lab = await startLabHost('bench');
  const home = await mkdtemp(join(tmpdir(), 'berth-bench-'));
  await mkdir(join(home, 'run'));
  const socket = join(home, 'run', 'api.sock');
  const stop = new AbortController();
  const options = { home, socket, version: 'bench', pid: process.pid, environment: { uid: 0 } };
  const ended = serve(options, quietPorts(), stop.signal);
  const connection = await connect(lab.uri, { environment: { uid: 0 } }, WAIT);
  try {
    const client = new Client({ socket });
    await client.ready(10_000);
    await client.addHost({ name: 'h1', uri: lab.uri });
    const ours = await define(client, lab.image);
    const theirs = await copyOf(connection, ours, { uri: lab.uri, home });
    return [await compare({ client, connection, uri: lab.uri, ours, theirs })];
  } finally {
    await connection.close(WAIT);
    stop.abort();
    await ended;
    await lab.host.stop();
    await rm(home, { recursive: true });
  }
}

async function define(
  client: Client,
  image: { readonly kernel: string; readonly initrd: string },
): Promise<string> {
  const operation = await client.createVm(
    {
      apiVersion: 'berth/v1',
      kind: 'VM',
      metadata: { name: 'ours' },
      spec: {
        cpu: { count: 1, policy: 'dedicated' },
        memory: { size: '128MiB' },
        boot: { kernel: image.kernel, initrd: image.initrd, cmdline: 'console=ttyS0 quiet' },
      },
    },
    { start: false },
  );
  const last = await client.wait(operation, () => {});
  if (last.state !== 'done') throw new Error(last.error?.detail);
  return (await client.vm('ours')).uuid;
}

/** Defines a second domain of the same XML but for name and UUID. */
async function copyOf(
  connection: Connection,
  uuid: string,
  { uri, home }: { readonly uri: string; readonly home: string },
): Promise<string> {
  const args = { dom: domainOf(uuid), flags: DomainXmlFlag.inactive };
  const { xml } = await connection.call(domainGetXmlDesc, args, WAIT);
  const other = randomUUID();
  const text = xml.replace(uuid, other).replace('<name>ours</name>', '<name>theirs</name>');
  const file = join(home, 'theirs.xml');
  await writeFile(file, text.replace(/<metadata>[^]*<\/metadata>/, ''));
  await run('virsh', ['-q', '-c', uri, 'define', file]);
  return other;
}

async function compare(parts: {
  readonly client: Client;
  readonly connection: Connection;
  readonly uri: string;
  readonly ours: string;
  readonly theirs: string;
}): Promise<BenchResult> {
  const { client, connection, uri, ours, theirs } = parts;
  const feed = await connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
  const berth: number[] = [];
  const virsh: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const startOurs = async (): Promise<unknown> => client.act('ours', 'start');
    const startTheirs = async (): Promise<unknown> =>
      run('virsh', ['-q', '-c', uri, 'start', 'theirs']);
    berth.push(await timed(connection, feed, ours, startOurs));
    virsh.push(await timed(connection, feed, theirs, startTheirs));
  }
  const [mine, peer] = [median(berth), median(virsh)];
  const what = 'request to STARTED event, median';
  return { what, unit: 'ms', berth: mine, peer, peerName: 'virsh start', ratio: mine / peer };
}

/** Milliseconds from the call to the event; afterwards the domain is ended again. */
async function timed(
  connection: Connection,
  feed: EventFeed<{ readonly dom: { readonly uuid: string }; readonly event: number }>,
  uuid: string,
  start: () => Promise<unknown>,
): Promise<number> {
  const from = performance.now();
  const asked = start();
  for (;;) {
    const event = await feed.take(WAIT);
    if (event.dom.uuid === uuid && event.event === STARTED) break;
  }
  const took = performance.now() - from;
  await asked;
  await settled(connection, uuid);
  return took;
}

/** The API answers before the operation ends: retry until the domain can be destroyed. */
async function settled(connection: Connection, uuid: string): Promise<void> {
  await connection.call(domainDestroyFlags, { dom: domainOf(uuid), flags: 0 }, WAIT);
  await new Promise((resolve) => setTimeout(resolve, 300)); // the host comes to rest
}
