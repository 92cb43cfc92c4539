import { setTimeout as sleep } from 'node:timers/promises';
import { FleetRig } from './fleet/fleet-rig.ts';
import { Caller } from './fleet/http.ts';
import { vmName, WANTED_EVERY, WANTED_LABEL } from './fleet/replay.ts';
import type { FleetSize } from './fleet/replay.ts';
import { ServerProcess } from './fleet/server-process.ts';
import type { BenchCell, BenchTable, TableOptions } from './table.ts';

/**
 * A server with a thousand hosts of a hundred VMs each: its start, its memory, its lists, its events
 * and what it does when nothing happens. The hosts are recorded: a real libvirtd with one VM of
 * Berth's was listened to once, and its frames are played back from a thousand sockets with other
 * names, so that the server reads and understands everything as it would.
 */
export const sections = ['fleet'] as const;

const WHOLE: FleetSize = { hosts: 1000, vms: 100 };
const QUICK: FleetSize = { hosts: 20, vms: 100 };
const LISTS = 300;
const PAGE = 100;
const EVENTS = 300;
const EVENT_PAUSE_MS = 20;
const EVENT_WAIT_MS = 10_000;
const SETTLED_MS = 20_000;
const REST_MS = 60_000;
const QUICK_REST_MS = 5000;
const KIB = 1024;

export async function* tables({ isQuick, tell }: TableOptions): AsyncGenerator<BenchTable> {
  const size = isQuick ? QUICK : WHOLE;
  const vms = size.hosts * size.vms;
  await using rig = await FleetRig.start(size, tell);
  const emptyBytes = await bytesWithoutHosts(rig);
  tell('the server starts');
  const since = performance.now();
  await using server = await ServerProcess.start(rig.home);
  await rig.untilFull(server);
  const startedMs = performance.now() - since;
  const startCpuMs = server.cpuMs();
  tell('it rests');
  await sleep(isQuick ? 0 : SETTLED_MS);
  const rest = await cpuAtRest(server, isQuick ? QUICK_REST_MS : REST_MS);
  const bytesPerVm = (server.residentBytes() - emptyBytes) / vms;
  tell('VMs are listed');
  const lists = await listTimes(server, vms);
  tell('events are awaited');
  const events = await eventTimes(rig, server);
  const row = (what: string, target: string, ...figures: readonly BenchCell[]) =>
    [what, ...figures, target] as const;
  yield {
    section: 'fleet',
    title: `A server with ${size.hosts} hosts of ${size.vms} VMs each`,
    columns: ['what', 'figure', 'p50', 'p99', 'unit', 'target'],
    rows: [
      row('start to full inventory', '60', startedMs / 1000, null, null, 's'),
      row('CPU time of that', '', startCpuMs / 1000, null, null, 's'),
      row('resident memory for each VM', '10', bytesPerVm / KIB, null, null, 'KiB'),
      row(
        `list with ${WANTED_LABEL}, ${PAGE} of a page`,
        '50',
        null,
        ...middleAndLate(lists),
        'ms',
      ),
      row('event of a host to event stream', '200', null, ...middleAndLate(events), 'ms'),
      row('CPU at rest', '5', rest * 100, null, null, '% of a core'),
    ],
    notes: [
      'The hosts are played back on the same machine, whose processors they share with the server.',
      'Memory is that of the process with all hosts, less that of one without any, at rest.',
      ...unknownNote(await rig.unknownCalls()),
    ],
  };
}

async function bytesWithoutHosts({ home }: FleetRig): Promise<number> {
  await using server = await ServerProcess.start(`${home}-empty`);
  await server.client.ready(EVENT_WAIT_MS);
  await server.client.vms();
  return server.residentBytes();
}

async function cpuAtRest(server: ServerProcess, ms: number): Promise<number> {
  const before = server.cpuMs();
  await sleep(ms);
  return (server.cpuMs() - before) / ms;
}

interface Page {
  readonly vms: readonly unknown[];
  readonly next?: string;
}

/** Walks the pages of a filtered list again and again. */
async function listTimes(server: ServerProcess, vms: number): Promise<readonly number[]> {
  using caller = new Caller(server.socket);
  const first = `/api/v1/vms?labels=${encodeURIComponent(WANTED_LABEL)}&limit=${PAGE}`;
  const times: number[] = [];
  let path = first;
  let seen = 0;
  while (times.length < LISTS) {
    const since = performance.now();
    const { vms: page, next } = (await caller.get(path)) as Page;
    times.push(performance.now() - since);
    seen += page.length;
    path = next === undefined ? first : `${first}&cursor=${encodeURIComponent(next)}`;
    if (next !== undefined) continue;
    if (seen !== Math.ceil(vms / WANTED_EVERY)) throw new Error(`${seen} VMs were listed`);
    seen = 0;
  }
  return times;
}

async function eventTimes(rig: FleetRig, server: ServerProcess): Promise<readonly number[]> {
  using caller = new Caller(server.socket);
  const stop = new AbortController();
  const sent = new Map<string, number>();
  const times: number[] = [];
  const listening = (async (): Promise<void> => {
    for await (const { text, at } of caller.events('/api/v1/events', stop.signal)) {
      for (const [name, sentAt] of sent) {
        if (!text.includes(`"${name}"`)) continue;
        sent.delete(name);
        times.push(at - sentAt);
      }
    }
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  await sleep(EVENT_WAIT_MS / 10); // for the stream to be open
  for (let index = 0; index < EVENTS; index++) {
    const vm = { host: (index * 7) % rig.size.hosts, index: index % rig.size.vms };
    sent.set(vmName(vm), await rig.toggle(vm));
    await sleep(EVENT_PAUSE_MS);
  }
  const until = performance.now() + EVENT_WAIT_MS;
  while (sent.size > 0 && performance.now() < until) await sleep(EVENT_PAUSE_MS);
  stop.abort();
  await listening;
  if (sent.size > 0) throw new Error(`${sent.size} of ${EVENTS} events never came`);
  return times;
}

function middleAndLate(times: readonly number[]): readonly [p50: number, p99: number] {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return [at(0.5), at(0.99)];
}

function unknownNote(unknown: readonly number[]): readonly string[] {
  if (unknown.length === 0) return [];
  return [`Calls that were not recorded, and refused as unsupported: ${unknown.join(', ')}.`];
}
