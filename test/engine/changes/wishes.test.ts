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
