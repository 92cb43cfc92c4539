import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../src/lab/system/run-command.ts';
import { startLabHost, type LabHost } from '../test/lab/lab-host.ts';
import { median, type BenchResult } from './result.ts';
import { recordStats } from './rpc/stats-record.ts';
import {
  prepareClients,
  Worker,
  withBoth,
  type Answer,
  type ClientName,
  type Clients,
} from './rpc/worker.ts';

/**
 * The libvirt client beside libvirt's own: python3-libvirt (the C library with a thin binding) and
 * virsh, on the same libvirtd, taking turns in every round. Each client has a process of its own.
 * CPU times are those of the client's process and steadier than rates, which libvirtd sets.
 */

const ROUNDS = 7;
const CALLS = 10_000;
const IN_FLIGHT = 20;
const DOMAINS = 1000;
const STARTS = 200;
const CONNECTIONS = 1000;
const VOLUME_BYTES = 256 * 1024 * 1024;

/** The pool that every lab host has. */
const POOL = 'default';

const WAIT = { deadlineMs: 120_000 };

export async function bench(): Promise<readonly BenchResult[]> {
  const lab = await startLabHost('bench');
  const { socket } = lab.host;
  const clients = await prepareClients(lab.dir);
  const test = `test+unix:///default?socket=${socket}`;
  const canned = await startCannedDaemon(lab);
  try {
    return [
      ...(await withBoth(clients, test, async (workers) => compareCalls('libvirtd', workers))),
      ...(await withBoth(clients, canned.uri, async (workers) =>
        compareCalls('a canned daemon', workers),
      )),
      ...(await withBoth(clients, await thousandUri(lab), compareXmls)),
      ...(await compareFirstStats(clients, canned.uri)),
      ...(await withBoth(clients, canned.uri, compareStats)),
      ...(await compareConnections(clients, test)),
      ...(await compareEvents(clients, test)),
      ...(await compareTransfers(clients.berth, lab)),
    ];
  } finally {
    canned.stop();
    await lab.host.stop();
  }
}

type Workers = Readonly<Record<ClientName, Worker>>;
type Measured = Readonly<Record<ClientName, readonly Answer[]>>;

/** The rounds of both clients, who take turns. */
async function takeTurns(ask: (client: ClientName) => Promise<Answer>): Promise<Measured> {
  const berth: Answer[] = [];
  const python: Answer[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    berth.push(await ask('berth'));
    python.push(await ask('python'));
  }
  return { berth, python };
}

function compare(
  what: string,
  unit: string,
  { berth, python }: Measured,
  figure: (answer: Answer) => number,
): BenchResult {
  const peerName = 'python3-libvirt';
  return result(what, unit, median(berth.map(figure)), {
    name: peerName,
    figure: median(python.map(figure)),
  });
}

function result(
  what: string,
  unit: string,
  berth: number,
  peer: { readonly name: string; readonly figure: number },
): BenchResult {
  return { what, unit, berth, peer: peer.figure, peerName: peer.name, ratio: berth / peer.figure };
}

const cpuMs = ({ cpuMs }: Answer): number => cpuMs;
const callRate = ({ wallMs }: Answer): number => (CALLS / wallMs) * 1000;
const callCpu = ({ cpuMs }: Answer): number => (cpuMs / CALLS) * 1000;

async function compareCalls(at: string, workers: Workers): Promise<readonly BenchResult[]> {
  await takeTurns(async (client) => workers[client].ask('calls', CALLS / 10, IN_FLIGHT)); // warms up
  const one = await takeTurns(async (client) => workers[client].ask('calls', CALLS, 1));
  const many = await takeTurns(async (client) => workers[client].ask('calls', CALLS, IN_FLIGHT));
  return [
    compare(`calls one by one, ${at}`, 'per s', one, callRate),
    compare(`CPU time of each, ${at}`, 'µs', one, callCpu),
    compare(`calls, ${IN_FLIGHT} at a time, ${at}`, 'per s', many, callRate),
    compare(`CPU time of each, ${IN_FLIGHT} at a time, ${at}`, 'µs', many, callCpu),
  ];
}

/** The test driver with 1,000 domains of its own for each connection. */
async function thousandUri({ host, images }: LabHost): Promise<string> {
  const domains = Array.from(
    { length: DOMAINS },
    (_, index) => `<domain type='test'><name>guest-${index}</name><memory unit='MiB'>512</memory>
<vcpu>2</vcpu><os><type>hvm</type></os><devices><disk type='file'><source file='/${index}.img'/>
<target dev='vda' bus='virtio'/></disk></devices></domain>`,
  );
  await writeFile(join(images.outside, 'thousand.xml'), `<node>${domains.join('\n')}</node>`);
  return `test+unix://${images.inside}/thousand.xml?socket=${host.socket}`;
}

async function compareXmls(workers: Workers): Promise<readonly BenchResult[]> {
  const ask = async (client: ClientName): Promise<Answer> => {
    const answer = await workers[client].ask('xmls');
    if (answer.found !== DOMAINS) throw new Error(`${answer.found} domains were found`);
    return answer;
  };
  await takeTurns(ask); // warms up
  const all = await takeTurns(ask);
  return [compare(`CPU time of the XML of ${DOMAINS} domains`, 'ms', all, cpuMs)];
}

/** In new processes, where nothing has run before. */
async function compareFirstStats(clients: Clients, uri: string): Promise<readonly BenchResult[]> {
  const all = await takeTurns(async (client) => {
    await using worker = new Worker(clients[client]);
    await worker.ask('open', uri);
    return await worker.ask('stats');
  });
  return [compare(`CPU time of the first statistics of ${DOMAINS} domains`, 'ms', all, cpuMs)];
}

async function compareStats(workers: Workers): Promise<readonly BenchResult[]> {
  const ask = async (client: ClientName): Promise<Answer> => workers[client].ask('stats');
  await takeTurns(ask); // warms up
  const all = await takeTurns(ask);
  const records = await takeTurns(async (client) =>
    workers[client].ask(client === 'berth' ? 'records' : 'stats'),
  );
  const each = `${DOMAINS} domains with ${all.berth[0]?.params} parameters each`;
  return [
    compare(`CPU time of the statistics of ${each}`, 'ms', all, cpuMs),
    compare('the same, as an object for each domain', 'ms', records, cpuMs),
  ];
}

/** In new processes as well: a process never gives back all the memory that it had. */
async function compareConnections(clients: Clients, uri: string): Promise<readonly BenchResult[]> {
  const all = await takeTurns(async (client) => {
    await using worker = new Worker(clients[client]);
    return await worker.ask('open', uri, CONNECTIONS);
  });
  return [
    compare(`memory with ${CONNECTIONS} connections`, 'MiB', all, ({ mib }) => mib),
    compare(`opening ${CONNECTIONS} connections`, 'ms', all, ({ wallMs }) => wallMs),
  ];
}

async function compareEvents(clients: Clients, uri: string): Promise<readonly BenchResult[]> {
  const all = await takeTurns(async (client) => {
    await using worker = new Worker(clients[client]);
    await worker.ask('watch');
    await worker.ask('open', uri, 2);
    return await worker.ask('events', STARTS);
  });
  const what = 'from a start to its event on another connection';
  return [
    compare(`${what}, median`, 'ms', all, ({ tookMs }) => median(tookMs)),
    compare(`${what}, 99 of 100`, 'ms', all, ({ tookMs }) => percentile(tookMs, 0.99)),
  ];
}

function percentile(values: readonly number[], part: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? Number.NaN;
}

/** Beside virsh, less what it takes to start and connect. */
async function compareTransfers(
  client: Clients['berth'],
  lab: LabHost,
): Promise<readonly BenchResult[]> {
  const { uri, dir } = lab;
  const virsh = async (...args: readonly string[]): Promise<number> => {
    const begin = performance.now();
    await runCommand(['virsh', '-q', '-c', uri, ...args], WAIT);
    return performance.now() - begin;
  };
  await virsh('vol-create-as', POOL, 'moved.raw', `${VOLUME_BYTES}B`, '--format', 'raw');
  const file = join(dir, 'moved.raw');
  await writeFile(file, '');
  await truncate(file, VOLUME_BYTES);
  await using worker = new Worker(client);
  await worker.ask('open', uri);
  const results: BenchResult[] = [];
  for (const way of ['upload', 'download'] as const) {
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      ours.push((await worker.ask(way, POOL, 'moved.raw', file)).wallMs);
      const start = await virsh('uri');
      theirs.push((await virsh(`vol-${way}`, 'moved.raw', file, '--pool', POOL)) - start);
    }
    const peer = { name: 'virsh', figure: speedOf(theirs) };
    results.push(result(`${way} of a volume of 256 MiB`, 'MiB/s', speedOf(ours), peer));
  }
  return results;
}

function speedOf(tookMs: readonly number[]): number {
  return VOLUME_BYTES / 1024 ** 2 / (median(tookMs) / 1000);
}

async function startCannedDaemon(
  lab: LabHost,
): Promise<{ readonly uri: string; stop: () => void }> {
  const record = join(lab.dir, 'stats.bin');
  await writeFile(record, await recordStats(lab, DOMAINS));
  const socket = join(lab.dir, 'canned.sock');
  const script = fileURLToPath(new URL('rpc/canned-daemon.ts', import.meta.url));
  const child = spawn(process.execPath, [script, socket, record], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return { uri: `test+unix:///default?socket=${socket}`, stop: () => void child.kill() };
}
