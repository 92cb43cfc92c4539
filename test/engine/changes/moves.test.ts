import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { GIB, MIB } from '../../../src/base/units.ts';
import type { Change } from '../../../src/engine/changes/change.ts';
import { place } from '../../../src/engine/place.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import type { HostSnapshot, Seat } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';
import { everyMove, withMove } from './every-move.ts';

test('the moves are the fewest there are, of the least memory, and each finds its place in turn', () => {
  const counts: number[] = [];
  fc.assert(
    fc.property(tinyFleet(2, 3), ({ hosts, request }) => {
      counts.push(compare(hosts, request, 3));
    }),
    { numRuns: 100 },
  );
  fc.assert(
    fc.property(tinyFleet(3, 3), ({ hosts, request }) => {
      counts.push(compare(hosts, request, 2));
    }),
    { numRuns: 100 },
  );
  for (const count of [0, 1, 2]) {
    const times = counts.filter((one) => one === count).length;
    assert.ok(times > 2, `${count} moves were compared ${times} times: the test tests little`);
  }
});

/** Compares with every sequence of moves of that length; tells how many moves it takes, 0 for none. */
function compare(hosts: readonly HostSnapshot[], request: PlacementRequest, most: number): number {
  const result = place(hosts, request);
  if (result.ok) return -1;
  const best = everyMove(hosts, request, most);
  const change = result.smallestChange.find(
    ({ kind, moves = [] }) => kind === 'move' && moves.length <= most,
  );
  assert.equal(change?.moves?.length, best?.count);
  if (change === undefined || best === undefined) return 0;
  assert.equal(bytesMoved(hosts, change), best.bytes);
  assert.ok(place(after(hosts, change), request).ok, change.say);
  return best.count;
}

test('a VM that has no place elsewhere is moved after another has made one', () => {
  const hosts = [
    host('h1', [seat('a', [0, 1]), seat('fixed', [2], { managed: false })]),
    host('h2', [seat('b', [0]), seat('c', [1, 2])]),
    host('h3', [seat('d', [0, 1, 2])]),
  ];
  const change = moveFor(hosts, ask({ vcpus: 3, memoryBytes: 64 * MIB }));
  assert.deepEqual(
    change?.moves?.map(({ vm, from, to }) => `${vm} ${from} ${to}`),
    ['b h2 h3', 'a h1 h2'],
  );
});

test('nobody moves who is not managed, has a device of its host, or must be near another', () => {
  const asked = ask({ vcpus: 4, memoryBytes: 64 * MIB });
  const near = { affinity: [{ selector: 'app=db', over: 'host', hard: true }] };
  const moved = (fields: Partial<Seat>): string | undefined => {
    const hosts = [
      host('h1', [seat('a', [0], fields)]),
      host('h2', [seat('b', [0], { managed: false, labels: { app: 'db' } })]),
      host('h3', [seat('c', [0], { managed: false })]),
    ];
    return moveFor(hosts, asked)
      ?.moves?.map(({ vm, to }) => `${vm} to ${to}`)
      .join();
  };
  assert.match(moved({}) ?? '', /^a to h[23]$/);
  assert.equal(moved({ asks: near }), 'a to h2');
  assert.equal(moved({ asks: { hosts: ['h1', 'h3'] } }), 'a to h3');
  assert.equal(moved({ managed: false }), undefined);
  assert.equal(moved({ pci: ['0000:3b:00.0'] }), undefined);
});

test('a VM that another must be near stays, unless the other has company where it is', () => {
  const asked = ask({ vcpus: 2, memoryBytes: 64 * MIB });
  const near = { affinity: [{ selector: 'app=db', over: 'host', hard: true }] };
  const moved = (app: string): readonly string[] | undefined => {
    const hosts = [
      host('h1', [
        seat('db', [0], { labels: { app: 'db' } }),
        seat('web', [1], { managed: false, asks: near }),
        seat('third', [2], { managed: false, labels: { app } }),
      ]),
      host('h2', [seat('fixed', [0, 1, 2], { managed: false })]),
    ];
    return moveFor(hosts, asked)?.moves?.map(({ vm }) => vm);
  };
  assert.equal(moved('cache'), undefined);
  assert.deepEqual(moved('db'), ['db']);
});

test('books are left as they were', () => {
  const hosts = [host('h1', [seat('a', [0])]), host('h2', [seat('b', [0, 1])])];
  const before = JSON.stringify(hosts);
  assert.ok(moveFor(hosts, ask({ vcpus: 4, memoryBytes: 64 * MIB })) !== undefined);
  assert.equal(JSON.stringify(hosts), before);
});

/** Two or three hosts of four pCPUs with VMs of one or two, and a VM that is too large as they are. */
function tinyFleet(
  count: number,
  vms: number,
): fc.Arbitrary<{ hosts: readonly HostSnapshot[]; request: PlacementRequest }> {
  return fc
    .record({
      sizes: fc.array(fc.array(vmSize(), { minLength: 1, maxLength: vms }), {
        minLength: count,
        maxLength: count,
      }),
      vcpus: fc.integer({ min: 2, max: 4 }),
      memoryMiB: fc.constantFrom(64, 256, 448),
      label: fc.constantFrom(undefined, undefined, 'a', 'b'),
    })
    .map(({ sizes, vcpus, memoryMiB, label }) => ({
      hosts: sizes.map((vms, index) => host(`h${index}`, seatsFor(`h${index}`, vms))),
      request: ask({
        vcpus,
        memoryBytes: memoryMiB * MIB,
        ...(label === undefined
          ? {}
          : { antiAffinity: [{ selector: `app=${label}`, over: 'host', hard: true }] }),
      }),
    }));
}

interface VmSize {
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly app: string;
  readonly managed: boolean;
}

function vmSize(): fc.Arbitrary<VmSize> {
  return fc.record({
    cpus: fc.constantFrom(1, 1, 2),
    memoryMiB: fc.constantFrom(64, 128, 192),
    app: fc.constantFrom('a', 'b', 'c'),
    managed: fc.constantFrom(true, true, true, false),
  });
}

function seatsFor(name: string, vms: readonly VmSize[]): readonly Seat[] {
  let next = 0;
  return vms.flatMap(({ cpus, memoryMiB, app, managed }, index) => {
    const dedicated = Array.from({ length: cpus }, () => next++);
    const memory = [{ cell: 0, bytes: memoryMiB * MIB, pageKiB: 4 }];
    return next > 4
      ? []
      : [syntheticSeat(`${name}-${index}`, { dedicated, memory, managed, labels: { app } })];
  });
}

function host(name: string, seats: readonly Seat[]): HostSnapshot {
  return syntheticHost({ name, cellBytes: GIB, policy: { overhead: 'none' }, seats });
}

function seat(vm: string, dedicated: readonly number[], fields: Partial<Seat> = {}): Seat {
  const memory = [{ cell: 0, bytes: 64 * MIB, pageKiB: 4 }];
  return syntheticSeat(vm, { dedicated, memory, ...fields });
}

function moveFor(hosts: readonly HostSnapshot[], request: PlacementRequest): Change | undefined {
  const result = place(hosts, request);
  return result.ok ? undefined : result.smallestChange.find(({ kind }) => kind === 'move');
}

function after(hosts: readonly HostSnapshot[], { moves = [] }: Change): readonly HostSnapshot[] {
  return moves.reduce((world, { uuid, from, to }) => {
    const seats = world.find(({ name }) => name === from)?.seats ?? [];
    const going = seats.find((one) => one.uuid === uuid);
    const next = going === undefined ? undefined : withMove(world, going, to);
    assert.ok(next !== undefined, `${uuid} does not go from ${from} to ${to}`);
    return next;
  }, hosts);
}

function bytesMoved(hosts: readonly HostSnapshot[], { moves = [] }: Change): number {
  const seats = hosts.flatMap((one) => one.seats);
  return moves
    .flatMap(({ uuid }) => seats.find((one) => one.uuid === uuid)?.memory ?? [])
    .reduce((sum, share) => sum + share.bytes, 0);
}
