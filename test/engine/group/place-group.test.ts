import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIB, MIB } from '../../../src/base/units.ts';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import { placeGroup } from '../../../src/engine/group/place-group.ts';
import type { GroupResult } from '../../../src/engine/group/place-group.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import { Room } from '../../../src/engine/room/room.ts';
import type { HostSnapshot } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';

const plain = { overhead: 'none' } as const;

/** Hosts h0, h1, ... of so many cells with so many cores and plenty of memory. */
function hostsOf(count: number, cells: number, coresPerCell: number): readonly HostSnapshot[] {
  const one = syntheticHost({
    cellsPerSocket: cells,
    coresPerCell,
    cellBytes: 64 * GIB,
    policy: plain,
  });
  return Array.from({ length: count }, (_, index) => ({ ...one, name: `h${index}` }));
}

function guests(sizes: readonly number[], fields: Partial<PlacementRequest> = {}) {
  return sizes.map((vcpus, index) => ask({ name: `v${index}`, vcpus, cells: 1, ...fields }));
}

function homes(result: GroupResult): string {
  assert.ok(result.ok, JSON.stringify(result));
  return result.placements.map(({ placement }) => placement.host).join();
}

/** What is taken of every host, and what is expected of the guests to come, to compare. */
function taken(fleet: Fleet): unknown {
  const books = fleet.ledgers.map(({ free, cells, seats, usedBytes }) => [
    [...free],
    cells.map(({ boundBytes, pools }) => [boundBytes, ...pools.map(({ claimed }) => claimed)]),
    [...seats.keys()],
    usedBytes,
  ]);
  return { books, worth: roomWorth(fleet) };
}

/** What the room of every host is worth by what is expected of the guests to come. */
function roomWorth({ ledgers, outlook }: Fleet): readonly unknown[] {
  return ledgers.map((ledger) => {
    const { row, layout } = new Room(ledger, outlook);
    return outlook.worth?.of(row, layout);
  });
}

test('a group that fits only if cells are shared out right is placed', () => {
  // The largest first into the fullest cell that takes it leaves 2 and 1: too few for the last 3.
  const fleet = new Fleet(hostsOf(1, 2, 10));
  const result = placeGroup(fleet, guests([4, 4, 3, 3, 3, 3]));
  assert.ok(result.ok, JSON.stringify(result));
  const used = new Map<number, number>();
  for (const { placement } of result.placements) {
    const [cell = -1] = placement.cells;
    used.set(cell, (used.get(cell) ?? 0) + placement.vcpus.length);
  }
  assert.deepEqual([...used.values()], [10, 10]);
  const pcpus = result.placements.flatMap(({ placement }) =>
    placement.vcpus.flatMap((seat) => seat.pcpus),
  );
  assert.equal(new Set(pcpus).size, 20);
});

test('placements come in the order of the requests', () => {
  const fleet = new Fleet(hostsOf(2, 1, 8));
  const result = placeGroup(fleet, guests([1, 8, 2]));
  assert.ok(result.ok);
  assert.deepEqual(
    result.placements.map(({ placement }) => placement.vcpus.length),
    [1, 8, 2],
  );
});

test('nothing is taken, whether the group fits or not', () => {
  const seats = [syntheticSeat('old', { dedicated: [0, 1] })];
  const fleet = new Fleet(
    hostsOf(2, 2, 6).map((host) => (host.name === 'h0' ? { ...host, seats } : host)),
  );
  const before = taken(fleet);
  assert.ok(placeGroup(fleet, guests([4, 4, 3])).ok);
  assert.deepEqual(taken(fleet), before);
  assert.ok(!placeGroup(fleet, guests([4, 4, 4, 4, 4])).ok);
  assert.deepEqual(taken(fleet), before);
});

test('a refusal tells which VM fits nowhere, beside which others and why', () => {
  const fleet = new Fleet(hostsOf(1, 1, 8));
  const result = placeGroup(fleet, guests([3, 6, 2]));
  assert.ok(!result.ok);
  assert.equal(result.proven, true);
  assert.deepEqual([result.failed, ...result.placed.map(({ request }) => request)], [0, 1]);
  const checks = result.refused.refusals.flatMap(({ checks: each }) => each);
  assert.ok(
    checks.some(({ check, heldBy }) => check === 'free-pcpus' && heldBy.includes('v1')),
    JSON.stringify(checks),
  );
});

test('an empty group is placed', () => {
  assert.deepEqual(placeGroup(new Fleet(hostsOf(1, 1, 1)), []), { ok: true, placements: [] });
});

test('VMs that are to be apart go to as many hosts', () => {
  const apart = {
    labels: { app: 'db' },
    antiAffinity: [{ selector: 'app=db', over: 'host', hard: true }],
  };
  const fleet = new Fleet(hostsOf(3, 1, 8));
  assert.equal(new Set(homes(placeGroup(fleet, guests([1, 1, 1], apart))).split(',')).size, 3);
  const result = placeGroup(fleet, guests([1, 1, 1, 1], apart));
  assert.ok(!result.ok);
  assert.deepEqual(result.refused.refusals[0]?.checks[0]?.check, 'anti-affinity');
});

test('one VM more than hosts to be apart on is proven not to fit, however many there are', () => {
  const apart = {
    labels: { app: 'db' },
    antiAffinity: [{ selector: 'app=db', over: 'host', hard: true }],
  };
  const fleet = new Fleet(hostsOf(40, 1, 4));
  const ones = Array.from({ length: 41 }, () => 1);
  assert.ok(placeGroup(fleet, guests(ones.slice(1), apart)).ok);
  const result = placeGroup(fleet, guests(ones, apart));
  assert.ok(!result.ok && result.proven);
  assert.equal(result.placed.length, 40);
});

test('VMs that are to be near each other go together, whoever has to be first', () => {
  const near = (app: string, other: string) => ({
    labels: { app },
    affinity: [{ selector: `app=${other}`, over: 'host', hard: true }],
  });
  const fleet = new Fleet(hostsOf(3, 1, 4));
  const ring = [
    ask({ name: 'a', vcpus: 2, ...near('a', 'b') }),
    ask({ name: 'b', vcpus: 1, ...near('b', 'c') }),
    ask({ name: 'c', vcpus: 1, ...near('c', 'a') }),
  ];
  assert.equal(new Set(homes(placeGroup(fleet, ring)).split(',')).size, 1);
  const tooLarge = ring.map((request) => ({ ...request, vcpus: 2 }));
  assert.ok(!placeGroup(fleet, tooLarge).ok);
});

test('a group is spread evenly as a whole, in whatever order its VMs are seated', () => {
  const zones = ['a', 'b'];
  const hosts = hostsOf(4, 1, 6).map((host, index) => ({
    ...host,
    labels: { zone: zones[index % 2] ?? '' },
  }));
  // Zone a takes the two large ones only if the small ones go to zone b, after them.
  const spread = [{ over: 'zone', selector: 'app=web', maxSkew: 1, hard: true }];
  const web = { labels: { app: 'web' }, spread };
  const requests = [
    ...guests([6, 6], { ...web, hosts: ['h0', 'h2'] }),
    ...guests([1, 1], { ...web, hosts: ['h1', 'h3'] }),
  ];
  const result = placeGroup(new Fleet(hosts), requests);
  assert.ok(result.ok, JSON.stringify(result));
});

test('among many hosts, too, one VM makes room for another that fits nowhere else', () => {
  // Every host but h0 has 2 pCPUs left; v0 fits there as well, v1 only on h0.
  const small = hostsOf(300, 1, 2).slice(1);
  const fleet = new Fleet([...hostsOf(1, 1, 4), ...small]);
  const requests = [
    ask({ name: 'v0', vcpus: 2, memoryBytes: 8 * GIB, cells: 1, cpuset: [0, 1] }),
    ask({ name: 'v1', vcpus: 4, memoryBytes: 256 * MIB, cells: 1 }),
  ];
  const before = taken(fleet);
  const [first, second] = homes(placeGroup(fleet, requests)).split(',');
  assert.deepEqual([first === 'h0', second], [false, 'h0']);
  assert.deepEqual(taken(fleet), before);
});

test('groups that are only thought of say nothing of the guests to come', () => {
  const fleet = new Fleet(hostsOf(300, 1, 4));
  const before = taken(fleet);
  const ones = guests(Array.from({ length: 100 }, () => 1));
  for (let round = 0; round < 4; round++) assert.ok(placeGroup(fleet, ones).ok);
  assert.deepEqual(taken(fleet), before);
});

test('a guest that chooses its cells is cut further where only that leaves room for another', () => {
  const fleet = new Fleet(hostsOf(1, 2, 6));
  const requests = [
    ask({ name: 'a', vcpus: 6, cells: 'auto' }),
    ask({ name: 'b', vcpus: 2, cells: 2 }),
  ];
  const result = placeGroup(fleet, requests);
  assert.ok(result.ok, JSON.stringify(result));
  assert.deepEqual(
    result.placements.map(({ placement }) => placement.cells),
    [
      [0, 1],
      [0, 1],
    ],
  );
  // Room in one cell is left to whom it is enough.
  const alone = placeGroup(fleet, requests.slice(0, 1));
  assert.ok(alone.ok);
  assert.equal(alone.placements[0]?.placement.cells.length, 1);
});

test('pages that are ordinary on some hosts and huge on others are looked for on both', () => {
  const [ordinary = syntheticHost()] = hostsOf(1, 2, 10).map((host) => ({
    ...host,
    topology: {
      ...host.topology,
      cells: host.topology.cells.map((cell) => ({
        ...cell,
        pages: [{ sizeKiB: 64, total: 2 ** 20, free: 2 ** 20 }],
      })),
    },
  }));
  const pools = [{ sizeKiB: 64, total: 16 }];
  const huge = syntheticHost({ name: 'h1', pools, policy: plain });
  // One by one there is no room for the last.
  const requests = guests([4, 4, 3, 3, 3, 3], { pageKiB: 64 });
  const result = placeGroup(new Fleet([huge, ordinary]), requests);
  assert.equal(homes(result), requests.map(() => 'h0').join());
});
