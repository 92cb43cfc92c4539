import assert from 'node:assert/strict';
import { test } from 'node:test';
import { USAGE_FIGURES } from '../../../src/api/metrics.ts';
import type { HistoryQuery } from '../../../src/api/metrics.ts';
import type { HostSample } from '../../../src/server/metrics/collector.ts';
import { readHistory } from '../../../src/server/metrics/history-reader.ts';
import {
  HistoryRecorder,
  hostSeries,
  VMS_KEPT_MAX,
  vmSeries,
} from '../../../src/server/metrics/history-recorder.ts';
import type { Usage } from '../../../src/server/metrics/usage.ts';
import { Store } from '../../../src/store/store.ts';
import { quietPorts } from '../quiet-ports.ts';
import { SimulatedClock } from '../simulation/simulated-clock.ts';
import { hostStats } from './readings.ts';

const S = 1000;
const MINUTE = 60 * S;
const HOUR = 60 * MINUTE;

test('values of an hour are kept at ten seconds, with gaps where there was none', async () => {
  await using rig = await keep();
  const begin = rig.now();
  await rig.measure(6, (index) => ({ cpu: index }));
  await rig.pass(30 * S); // away for three readings
  await rig.measure(2, () => ({ cpu: 9, memory: 65_536 }));
  const { values, stepMs } = await rig.read({ from: begin, series: ['cpu', 'memory'] });
  assert.equal(stepMs, 10 * S);
  assert.deepEqual(values.cpu?.slice(0, 10), [0, 1, 2, 3, 4, 5, null, null, null, 9]);
  assert.deepEqual(values.memory?.slice(8, 10), [null, 65_536]);
  assert.deepEqual(Object.keys(values), ['cpu', 'memory']);
});

test('a reading that comes late stands for the step that it missed', async () => {
  await using rig = await keep();
  const begin = rig.now();
  rig.sample({ cpu: 1 });
  await rig.pass(19 * S);
  rig.sample({ cpu: 3 });
  await rig.pass(10 * S);
  rig.sample({ cpu: 4 });
  await rig.pass(10 * S);
  rig.sample({ cpu: 4 });
  const { values } = await rig.read({ from: begin, series: ['cpu'] });
  assert.deepEqual(values.cpu?.slice(0, 3), [1, 3, 4]);
});

test('a day is kept by the minute and a month by ten minutes, as means', async () => {
  await using rig = await keep();
  const begin = rig.now();
  await rig.measure(3 * 360, (index) => ({ cpu: index % 6 }));
  const day = await rig.read({ from: begin, step: '1m', series: ['cpu'] });
  assert.equal(day.values.cpu?.length, 181);
  assert.ok(day.values.cpu.slice(0, 179).every((value) => value === 2.5));
  const month = await rig.read({ from: begin, step: '10m', series: ['cpu'] });
  assert.ok((month.values.cpu ?? []).slice(0, 17).every((value) => value === 2.5));
});

test('the finest step that reaches back so far is the one that is answered', async () => {
  await using rig = await keep();
  const steps: unknown[] = [];
  for (const back of [HOUR, 2 * HOUR, 48 * HOUR]) {
    steps.push((await rig.read({ from: rig.now() - back })).stepMs);
  }
  assert.deepEqual(steps, [10 * S, MINUTE, 10 * MINUTE]);
});

test('what is older than its step is kept is forgotten', async () => {
  await using rig = await keep();
  const begin = rig.now();
  await rig.measure(6 * 60 * 3, () => ({ cpu: 1 }));
  const fine = await rig.read({
    from: begin,
    to: begin + 30 * MINUTE,
    step: '10s',
    series: ['cpu'],
  });
  assert.ok((fine.values.cpu ?? []).every((value) => value === null));
  const coarse = await rig.read({ from: begin, step: '1m', series: ['cpu'] });
  assert.equal(coarse.values.cpu?.[0], 1);
});

test('a server that ends in order loses nothing, and the next one goes on', async () => {
  const store = await Store.open(':memory:');
  const clock = new SimulatedClock();
  const begin = clock.now();
  for (let server = 0; server < 2; server++) {
    const rig = await keep(store, clock);
    await rig.measure(30, () => ({ cpu: server + 1 }));
    await rig[Symbol.asyncDispose]();
  }
  await using rig = await keep(store, clock);
  const { values } = await rig.read({ from: begin, step: '10s', series: ['cpu'] });
  const told = values.cpu?.filter((value) => value !== null) ?? [];
  assert.ok(told.filter((value) => value === 1).length >= 29);
  assert.ok(told.filter((value) => value === 2).length >= 29);
});

test('only the leader keeps history, and only that of hosts in a very large fleet', async () => {
  await using rig = await keep();
  const many = new Map(Array.from({ length: VMS_KEPT_MAX + 1 }, (_, i) => [`u${i}`, { cpu: 1 }]));
  await rig.measure(10, () => ({ cpu: 1 }), many);
  assert.equal(rig.recorder.keepsVms, false);
  const vm = await rig.read({ from: rig.now() - HOUR }, vmSeries('u1'));
  assert.ok((vm.values.cpu ?? []).every((value) => value === null));
  rig.lead(false);
  const begin = rig.now();
  await rig.measure(10, () => ({ cpu: 5 }));
  const host = await rig.read({ from: begin + 20 * S });
  assert.ok((host.values.cpu ?? []).every((value) => value === null));
});

test('a span that cannot be is refused', async () => {
  await using rig = await keep();
  await assert.rejects(rig.read({ from: 20, to: 10 }), { code: 'BERTH_SPEC_INVALID' });
  await assert.rejects(rig.read({ from: 0, step: '10s' }), { code: 'BERTH_SPEC_INVALID' });
});

test('all figures are told when none is named', async () => {
  await using rig = await keep();
  const { values } = await rig.read({});
  assert.deepEqual(Object.keys(values), [...USAGE_FIGURES]);
});

async function keep(given?: Store, clock = new SimulatedClock()) {
  const store = given ?? (await Store.open(':memory:'));
  const ports = quietPorts({ now: clock.now, sleep: clock.sleep });
  let isLeader = true;
  const recorder = new HistoryRecorder(store.history, ports, () => isLeader);
  recorder.start();
  const sample = (usage: Usage, vms: ReadonlyMap<string, Usage> = new Map()): void => {
    const at = clock.now();
    const told: HostSample = {
      host: 'h1',
      at,
      everyMs: 10_000,
      readSeconds: 0,
      stats: hostStats([]),
      usage,
      vms,
    };
    recorder.record(told);
  };
  const pass = async (ms: number): Promise<void> => {
    const end = clock.elapsed + ms;
    clock.after(ms, () => {});
    await clock.drain();
    while (clock.elapsed < end && clock.step()) await clock.drain();
  };
  const measure = async (
    count: number,
    usage: (index: number) => Usage,
    vms?: ReadonlyMap<string, Usage>,
  ): Promise<void> => {
    for (let index = 0; index < count; index++) {
      sample(usage(index), vms);
      await pass(10 * S);
    }
  };
  return {
    recorder,
    now: clock.now,
    sample,
    pass,
    measure,
    lead: (leads: boolean) => void (isLeader = leads),
    read: async (query: HistoryQuery, series = hostSeries('h1')) =>
      readHistory({ records: store.history, recorder }, series, query, clock.now()),
    [Symbol.asyncDispose]: async () => {
      await recorder.stop();
      if (given === undefined) await store[Symbol.asyncDispose]();
    },
  };
}
