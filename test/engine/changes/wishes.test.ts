import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIB } from '../../../src/base/units.ts';
import type { Change } from '../../../src/engine/changes/change.ts';
import { place } from '../../../src/engine/place.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import type { HostSnapshot } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';

function changesFor(hosts: readonly HostSnapshot[], request: PlacementRequest): readonly Change[] {
  const result = place(hosts, request);
  assert.equal(result.ok, false);
  return result.ok ? [] : result.smallestChange;
}

function changeFor(
  hosts: readonly HostSnapshot[],
  request: PlacementRequest,
  kind: Change['kind'],
): Change | undefined {
  return changesFor(hosts, request).find((change) => change.kind === kind);
}

const db = (vm: string): ReturnType<typeof syntheticSeat> =>
  syntheticSeat(vm, { labels: { app: 'db' }, managed: false });

const HOSTS = ['a', 'b'].map((zone) => ({
  ...syntheticHost({ name: `h-${zone}`, seats: [db(`db-${zone}`)] }),
  labels: { zone },
}));

test('hosts that were asked for or excluded, by name or label, can be left open', () => {
  const kinds = (fields: Partial<PlacementRequest>): readonly string[] =>
    changesFor(HOSTS, ask(fields)).map(({ kind }) => kind);
  assert.deepEqual(kinds({ hosts: ['h-c'] }), ['any-host']);
  assert.deepEqual(kinds({ hostLabels: { zone: 'c' } }), ['host-labels']);
  assert.deepEqual(kinds({ excludeHosts: ['h-a', 'h-b'] }), ['exclude-hosts']);
});

test('of several rules about other VMs only the one in the way becomes a wish', () => {
  const rule = (selector: string) => ({ selector, over: 'host', hard: true });
  const request = ask({ antiAffinity: [rule('app=web'), rule('app=db')] });
  const change = changeFor(HOSTS, request, 'anti-affinity');
  assert.deepEqual(change?.set, {
    'spec.placement.antiAffinity': [rule('app=web'), { ...rule('app=db'), hard: false }],
  });
  const both = ask({ affinity: [rule('app=nosuch'), rule('app=neither')] });
  const rules = changeFor(HOSTS, both, 'affinity')?.request.affinity ?? [];
  assert.deepEqual(
    rules.map(({ hard }) => hard),
    [false, false],
  );
});

test('of hosts that are excluded only the one that has room is let in', () => {
  const full = (name: string): HostSnapshot =>
    syntheticHost({ name, seats: [syntheticSeat(`all-${name}`, { dedicated: [0, 1, 2, 3] })] });
  const hosts = [full('h1'), syntheticHost({ name: 'h2' }), full('h3')];
  const request = ask({ vcpus: 4, excludeHosts: ['h1', 'h2', 'h3'] });
  const change = changeFor(hosts, request, 'exclude-hosts');
  assert.deepEqual(change?.set, { 'spec.placement.excludeHosts': ['h1', 'h3'] });
  assert.equal(change.say, 'let it run on h2, too');
  assert.equal(place(hosts, change.request).ok, true);
});

test('of labels that hosts must have as few as can be are left out', () => {
  const hosts = [{ ...syntheticHost(), labels: { zone: 'a', rack: 'r1', gpu: 'no' } }];
  const setFor = (hostLabels: Record<string, string>): unknown =>
    changeFor(hosts, ask({ hostLabels }), 'host-labels')?.set['spec.placement.hosts'];
  assert.deepEqual(setFor({ zone: 'a', rack: 'r2', gpu: 'no' }), { zone: 'a', gpu: 'no' });
  assert.deepEqual(setFor({ zone: 'b', rack: 'r1', gpu: 'yes' }), { rack: 'r1' });
  assert.equal(setFor({ zone: 'b', rack: 'r2' }), null);
});

test('two of three rules become wishes where two are in the way, the fewest there are', () => {
  const seat = (vm: string, app: string): ReturnType<typeof syntheticSeat> =>
    syntheticSeat(vm, { labels: { app }, managed: false });
  const rules = ['db', 'web', 'mail', 'log'].map((app) => ({
    selector: `app=${app}`,
    over: 'host',
    hard: true,
  }));
  const softFor = (hosts: readonly HostSnapshot[], most: number): readonly string[] => {
    const request = ask({ antiAffinity: rules.slice(0, most) });
    const changed = changeFor(hosts, request, 'anti-affinity')?.request.antiAffinity ?? [];
    return changed.flatMap(({ selector, hard }) => (hard ? [] : [selector]));
  };
  const two = syntheticHost({ name: 'h1', seats: [seat('1', 'db'), seat('2', 'mail')] });
  assert.deepEqual(softFor([two], 3), ['app=db', 'app=mail']);
  const one = syntheticHost({ name: 'h2', seats: [seat('3', 'log')] });
  assert.deepEqual(softFor([two, one], 4), ['app=log']);
});

test('wishes that are in the way together are named together', () => {
  const seats = [syntheticSeat('old', { dedicated: [0], managed: false })];
  const host = syntheticHost({ policy: { reservedCpus: [0] }, seats });
  const request = ask({
    emulator: { cpus: [0] },
    ioThreads: { count: 1, place: { cpus: [0] } },
  });
  const [change, ...others] = changesFor([host], request);
  assert.deepEqual([change?.kind, others], ['wishes', []]);
  assert.deepEqual(change?.set, {
    'spec.cpu.emulator': 'share',
    'spec.cpu.ioThreads.place': 'share',
  });
  assert.equal(place([host], change.request).ok, true);
});

test('of two kinds of wishes that are in the way together each gives in as little as it may', () => {
  const hosts = [{ ...syntheticHost(), labels: { zone: 'a', rack: 'r1' } }];
  const request = ask({
    hostLabels: { zone: 'b', rack: 'r1' },
    excludeHosts: ['h0', 'h1', 'h2'],
  });
  const [change] = changesFor(hosts, request);
  assert.deepEqual(change?.set, {
    'spec.placement.hosts': { rack: 'r1' },
    'spec.placement.excludeHosts': ['h0', 'h2'],
  });
  assert.equal(change.kind, 'wishes');
});

test('an even spread becomes a wish where only the fullest zone has room', () => {
  const [a, b] = HOSTS;
  assert.ok(a !== undefined && b !== undefined);
  const full = syntheticSeat('full', { dedicated: [0, 1, 2, 3], managed: false });
  const hosts = [
    { ...a, seats: [db('one'), db('two')] },
    { ...b, seats: [full] },
  ];
  const spread = [{ over: 'zone', selector: 'app=db', maxSkew: 1, hard: true }];
  const request = ask({ labels: { app: 'db' }, spread });
  assert.deepEqual(
    changesFor(hosts, request)
      .map(({ kind }) => kind)
      .slice(0, 1),
    ['spread'],
  );
});

test('memory that has to lie in its cell may prefer it where others have the memory', () => {
  const memory = [{ cell: 0, bytes: 3 * GIB, pageKiB: 4 }];
  const seats = [
    syntheticSeat('m', { memory, managed: false }),
    syntheticSeat('c', { dedicated: [4, 5, 6, 7], managed: false }),
  ];
  const host = syntheticHost({ sockets: 2, policy: { overhead: 'none' }, seats });
  const request = ask({ vcpus: 2, memoryBytes: 2 * GIB });
  const change = changeFor([host], request, 'memory-policy');
  assert.deepEqual(change?.set, { 'spec.numa.policy': 'preferred' });
  const strict = { ...request, memoryMode: 'strict' as const };
  assert.deepEqual(changeFor([host], strict, 'memory-policy')?.set, change?.set);
});

test('I/O threads on pCPUs of their own go beside QEMU where pCPUs are short', () => {
  const request = ask({ vcpus: 3, ioThreads: { count: 2, place: 'isolate' } });
  const change = changeFor([syntheticHost()], request, 'io-threads-share');
  assert.deepEqual(change?.set, { 'spec.cpu.ioThreads.place': 'share' });
});

test('a mixed guest that shrinks keeps its dedicated vCPUs, and one that floats', () => {
  const request = ask({ policy: 'mixed', vcpus: 40, dedicatedVcpus: [0, 1] });
  const host = syntheticHost();
  const change = changeFor([host], request, 'vcpus');
  assert.ok(change !== undefined && change.request.vcpus > 2);
  assert.equal(place([host], { ...request, vcpus: change.request.vcpus + 1 }).ok, false);
});

test('wishes are named before what makes the guest less, and moves come last', () => {
  const seat = syntheticSeat('small', {
    dedicated: [0],
    memory: [{ cell: 0, bytes: GIB, pageKiB: 4 }],
  });
  const hosts = [
    syntheticHost({ name: 'h1', seats: [seat] }),
    syntheticHost({
      name: 'h2',
      seats: [syntheticSeat('fixed', { dedicated: [0], managed: false })],
    }),
  ];
  const kinds = changesFor(hosts, ask({ vcpus: 3, emulator: 'isolate' })).map(({ kind }) => kind);
  assert.deepEqual(kinds, ['emulator-share', 'policy-shared', 'vcpus', 'move']);
});
