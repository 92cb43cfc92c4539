import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { present } from '../../src/base/assert.ts';
import {
  connect,
  connectGetAllDomainStats,
  connectGetLibVersion,
  connectListAllDomains,
  DomainEvent,
  domainCreateWithFlags,
  domainDestroyFlags,
  domainGetXmlDesc,
  domainLookupByName,
  downloadVolume,
  paramRecord,
  storagePoolLookupByName,
  storageVolLookupByName,
  uploadVolume,
  type Connection,
  type Domain,
} from '../../src/libvirt/index.ts';

/**
 * A process that does what a benchmark asks of our client: one line in, one line of JSON out. It has
 * a process of its own because CPU time and memory are measured by the process; client.py does the
 * same tasks with libvirt's own binding.
 */

const WAIT = { deadlineMs: 120_000 };
const OPENING_AT_ONCE = 20;
const STARTED = 2;
const DOMAIN = 'test';

const connections: Connection[] = [];

const TASKS: Readonly<Record<string, (...words: string[]) => Promise<object>>> = {
  watch: async () => ({}),
  open,
  calls,
  xmls,
  stats,
  records,
  events,
  upload,
  download,
};

for await (const line of createInterface(process.stdin)) {
  const [name = '', ...words] = line.split(' ');
  process.stdout.write(`${JSON.stringify(await present(TASKS[name], name)(...words))}\n`);
}
process.exit(0);

interface Took {
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function timed(work: () => Promise<unknown>): Promise<Took> {
  const cpu = process.cpuUsage();
  const begin = performance.now();
  await work();
  const wallMs = performance.now() - begin;
  const { user, system } = process.cpuUsage(cpu);
  return { wallMs, cpuMs: (user + system) / 1000 };
}

async function open(uri = '', count = '1'): Promise<object> {
  let left = Number(count);
  const some = async (): Promise<void> => {
    while (left-- > 0) connections.push(await connect(uri, { environment: { uid: 0 } }, WAIT));
  };
  const took = await timed(async () => Promise.all(Array.from({ length: OPENING_AT_ONCE }, some)));
  return { ...took, mib: residentMib() };
}

function residentMib(): number {
  const [, kib] = /VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kib) / 1024;
}

function first(): Connection {
  return present(connections[0], 'an open connection');
}

async function calls(count = '', inFlight = '1'): Promise<Took> {
  const connection = first();
  const share = Number(count) / Number(inFlight);
  const some = async (): Promise<void> => {
    for (let i = 0; i < share; i++) await connection.call(connectGetLibVersion, {}, WAIT);
  };
  return timed(async () => Promise.all(Array.from({ length: Number(inFlight) }, some)));
}

/** All are asked for at once: the client itself sends no more than the daemon will read. */
async function xmls(): Promise<object> {
  const connection = first();
  const sizeOf = async (dom: Domain): Promise<number> =>
    (await connection.call(domainGetXmlDesc, { dom, flags: 0 }, WAIT)).xml.length;
  let sizes: readonly number[] = [];
  const took = await timed(async () => {
    const { domains } = await connection.call(connectListAllDomains, { flags: 0 }, WAIT);
    sizes = await Promise.all(domains.map(sizeOf));
  });
  return { ...took, found: sizes.length };
}

async function stats(): Promise<object> {
  return statistics((params) => params.length);
}

/** Statistics as an object for each domain, which is how python has them. */
async function records(): Promise<object> {
  return statistics((params) => Object.keys(paramRecord(params)).length);
}

async function statistics(
  use: (params: Parameters<typeof paramRecord>[0]) => number,
): Promise<object> {
  const asked = { doms: [], stats: 0, flags: 0 };
  let found: readonly number[] = [];
  const took = await timed(async () => {
    const { retStats } = await first().call(connectGetAllDomainStats, asked, WAIT);
    found = retStats.map(({ params }) => use(params));
  });
  return { ...took, found: found.length, params: found[0] };
}

/** Milliseconds from sending `create` to its event on another connection, of each round. */
async function events(rounds = ''): Promise<object> {
  const [starter, watcher] = connections;
  if (starter === undefined || watcher === undefined) throw new Error('two connections are needed');
  const feed = await watcher.subscribe(DomainEvent.lifecycle, {}, WAIT);
  const { dom } = await starter.call(domainLookupByName, { name: DOMAIN }, WAIT);
  const tookMs: number[] = [];
  for (let round = 0; round < Number(rounds); round++) {
    await starter.call(domainDestroyFlags, { dom, flags: 0 }, WAIT);
    const begin = performance.now();
    const created = starter.call(domainCreateWithFlags, { dom, flags: 0 }, WAIT);
    while ((await feed.take(WAIT)).event !== STARTED);
    tookMs.push(performance.now() - begin);
    await created;
  }
  return { tookMs };
}

async function upload(pool = '', volume = '', path = ''): Promise<Took> {
  const vol = await volumeOf(pool, volume);
  return timed(async () => uploadVolume(first(), path, { vol }, WAIT));
}

async function download(pool = '', volume = '', path = ''): Promise<Took> {
  const vol = await volumeOf(pool, volume);
  return timed(async () => downloadVolume(first(), path, { vol }, WAIT));
}

async function volumeOf(pool: string, name: string) {
  const found = await first().call(storagePoolLookupByName, { name: pool }, WAIT);
  return (await first().call(storageVolLookupByName, { pool: found.pool, name }, WAIT)).vol;
}
