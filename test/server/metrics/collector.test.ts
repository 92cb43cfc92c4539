import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berthError } from '../../../src/base/errors.ts';
import type { HostStats } from '../../../src/host/stats.ts';
import { Collector, readEveryMs, READ_EVERY_MS } from '../../../src/server/metrics/collector.ts';
import type { HostSample, MeasuredHost } from '../../../src/server/metrics/collector.ts';
import { quietPorts } from '../quiet-ports.ts';
import { SimulatedClock } from '../simulation/simulated-clock.ts';
import { hostStats, vmStats } from './readings.ts';

/** A host whose figures, reachability and speed a test sets. */
interface ToyHost {
  readonly name: string;
  unreachable: string | undefined;
  answer: () => Promise<HostStats>;
}

test('hosts are read once an interval, each at its own moment', async () => {
  const clock = new SimulatedClock();
  const moments = new Map<string, number[]>();
  const hosts = Array.from({ length: 20 }, (_, index) => {
    const name = `h${index}`;
    const answer = async (): Promise<HostStats> => {
      moments.set(name, [...(moments.get(name) ?? []), clock.elapsed]);
      return hostStats([]);
    };
    return { name, unreachable: undefined, answer };
  });
  await using _ = collect(clock, hosts);
  await pass(clock, READ_EVERY_MS * 3 - 1);
  const all = [...moments.values()];
  assert.equal(all.length, 20);
  for (const times of all) assert.equal(times.length, 3);
  const first = all.map(([time]) => time);
  assert.equal(new Set(first).size, 20, 'no two at once');
});

test('the more VMs there are the more seldom hosts are read, and rates are told all the same', async () => {
  assert.equal(readEveryMs(0), READ_EVERY_MS);
  assert.equal(readEveryMs(100_000), 150_000);
  const clock = new SimulatedClock();
  const vms = 20_000;
  let cpuSeconds = 100;
  const many = Array.from({ length: vms }, (_, index) => `vm${index}`);
  let readings = 0;
  const host = toyHost(async () => {
    readings++;
    return hostStats(many.map((name) => vmStats(name, { cpuSeconds })));
  });
  await using rig = collect(clock, [host]);
  await pass(clock, READ_EVERY_MS + 1);
  const before = readings;
  cpuSeconds += 60;
  await pass(clock, readEveryMs(vms) * 2);
  assert.equal(readings - before, 2);
  cpuSeconds += 60;
  await pass(clock, readEveryMs(vms));
  assert.equal(rig.collector.sample('h1')?.vms.get('uuid-of-vm7')?.cpu, 2);
});

test('what a VM uses is told from two readings, and nothing of the first alone', async () => {
  const clock = new SimulatedClock();
  let cpuSeconds = 100;
  const host = toyHost(async () => hostStats([vmStats('db1', { cpuSeconds })]));
  await using rig = collect(clock, [host]);
  await pass(clock, 1);
  assert.equal(rig.collector.sample('h1')?.vms.get('uuid-of-db1')?.cpu, undefined);
  assert.equal(rig.collector.sample('h1')?.vms.get('uuid-of-db1')?.memory, 600 * 1024 ** 2);
  cpuSeconds += 15;
  await pass(clock, READ_EVERY_MS);
  assert.equal(rig.collector.sample('h1')?.vms.get('uuid-of-db1')?.cpu, 1.5);
});

test('a VM that began anew, and a clock that was set, give no rate', async () => {
  const clock = new SimulatedClock();
  let cpuSeconds = 100;
  const host = toyHost(async () => hostStats([vmStats('db1', { cpuSeconds })]));
  await using rig = collect(clock, [host]);
  await pass(clock, 1);
  cpuSeconds = 3;
  await pass(clock, READ_EVERY_MS);
  assert.equal(rig.collector.sample('h1')?.vms.get('uuid-of-db1')?.cpu, undefined);
  for (const jump of [3_600_000, -7_200_000]) {
    cpuSeconds += 5;
    clock.jump(jump);
    await pass(clock, READ_EVERY_MS);
    assert.equal(rig.collector.sample('h1')?.vms.get('uuid-of-db1')?.cpu, undefined);
    assert.equal(rig.collector.sample('h1')?.usage.cpu, undefined);
  }
});

test('of a host that is away there are no figures, until it is back', async () => {
  const clock = new SimulatedClock();
  const host = toyHost(async () => hostStats([]));
  await using rig = collect(clock, [host]);
  await pass(clock, 1);
  assert.ok(rig.collector.sample('h1') !== undefined);
  host.unreachable = 'its cable was pulled';
  await pass(clock, READ_EVERY_MS);
  assert.equal(rig.collector.sample('h1'), undefined);
  assert.equal(rig.collector.failures('h1'), 0, 'being away is no failure to read');
  host.unreachable = undefined;
  await pass(clock, READ_EVERY_MS);
  assert.ok(rig.collector.sample('h1') !== undefined);
});

test('a host that fails to tell is counted and has no figures; the others have theirs', async () => {
  const clock = new SimulatedClock();
  const deaf = toyHost(async () => {
    throw berthError('BERTH_DEADLINE', { what: 'connectGetAllDomainStats', afterMs: 8000 });
  });
  const other: ToyHost = { name: 'h2', unreachable: undefined, answer: async () => hostStats([]) };
  await using rig = collect(clock, [deaf, other]);
  await pass(clock, READ_EVERY_MS * 2);
  assert.equal(rig.collector.sample('h1'), undefined);
  assert.ok(rig.collector.failures('h1') >= 2);
  assert.ok(rig.collector.sample('h2') !== undefined);
});

test('a host that is slow is not asked again before it has answered', async () => {
  const clock = new SimulatedClock();
  let asked = 0;
  const slow = toyHost(async () => {
    asked++;
    await clock.sleep(READ_EVERY_MS * 2.5);
    return hostStats([]);
  });
  await using rig = collect(clock, [slow]);
  await pass(clock, READ_EVERY_MS * 2);
  assert.equal(asked, 1);
  await pass(clock, READ_EVERY_MS * 2);
  assert.equal(asked, 2);
  assert.equal(rig.heard.length, 1);
});

test('a host that leaves the fleet takes its figures along', async () => {
  const clock = new SimulatedClock();
  const hosts = [toyHost(async () => hostStats([]))];
  await using rig = collect(clock, hosts);
  await pass(clock, 1);
  hosts.pop();
  await pass(clock, READ_EVERY_MS);
  assert.equal(rig.collector.sample('h1'), undefined);
});

function toyHost(answer: () => Promise<HostStats>): ToyHost {
  return { name: 'h1', unreachable: undefined, answer };
}

interface CollectorRig extends AsyncDisposable {
  readonly collector: Collector;
  readonly heard: readonly HostSample[];
}

function collect(clock: SimulatedClock, hosts: readonly ToyHost[]): CollectorRig {
  const heard: HostSample[] = [];
  const measured = (): readonly MeasuredHost[] =>
    hosts.map((host) => ({
      name: host.name,
      unreachable: host.unreachable,
      readStats: async () => host.answer(),
    }));
  const ports = quietPorts({ now: clock.now, sleep: clock.sleep });
  const collector = new Collector(measured, ports, (sample) => void heard.push(sample));
  collector.start();
  return {
    collector,
    heard,
    [Symbol.asyncDispose]: async () => {
      const stopped = collector.stop();
      await pass(clock, READ_EVERY_MS * 3);
      await stopped;
    },
  };
}

/** Lets that much time pass, and everything happen that happens meanwhile. */
async function pass(clock: SimulatedClock, ms: number): Promise<void> {
  const end = clock.elapsed + ms;
  clock.after(ms, () => {});
  do await clock.drain();
  while (clock.elapsed < end && clock.step());
  await clock.drain();
}
