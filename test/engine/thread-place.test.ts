import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIB, MIB } from '../../src/base/units.ts';
import { applySeat, ledgerOf } from '../../src/engine/ledger.ts';
import { place } from '../../src/engine/place.ts';
import { placeOnHost } from '../../src/engine/place-on-host.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import { seatOf } from '../../src/model/host.ts';
import type { Placement } from '../../src/model/placement.ts';
import { placementFaults } from './placement-faults.ts';
import { ask } from './requests.ts';
import { SYNTHETIC_PCI, syntheticHost, syntheticSeat } from './synthetic-host.ts';

function placed(host: HostSnapshot, request: PlacementRequest): Placement {
  const verdict = placeOnHost(ledgerOf(host), request);
  assert.ok(verdict.ok, JSON.stringify(verdict));
  return verdict.write();
}

function refusedBy(host: HostSnapshot, request: PlacementRequest): readonly unknown[] {
  const verdict = placeOnHost(ledgerOf(host), request);
  assert.ok(!verdict.ok, 'it is refused');
  return verdict.refusal.checks.map(({ check, need, have, heldBy }) => [check, need, have, heldBy]);
}

test('a mixed guest has a pCPU for each dedicated vCPU, and the others float over the rest', () => {
  const host = syntheticHost({ coresPerCell: 4 });
  const plan = placed(host, ask({ policy: 'mixed', vcpus: 4, dedicatedVcpus: [0, 2] }));
  const [own, rest] = [plan.dedicated ?? [], plan.vcpus[1]?.pcpus ?? []];
  assert.deepEqual(
    plan.vcpus.map(({ pcpus }) => pcpus.length),
    [1, 2, 1, 2],
  );
  assert.deepEqual(new Set([...own, ...rest]), new Set([0, 1, 2, 3]));
  assert.deepEqual(plan.emulator, rest);
  const seat = seatOf({ name: 'm', uuid: 'm', running: true }, plan);
  const { vcpus, over } = seat.floating;
  assert.deepEqual([seat.dedicated, vcpus, over], [own, 2, rest]);
});

test('what dedicated vCPUs leave must hold the floating ones of the same guest', () => {
  const host = syntheticHost({ coresPerCell: 4 });
  const four = ask({ policy: 'mixed', vcpus: 5, dedicatedVcpus: [0, 1, 2] });
  assert.deepEqual(refusedBy(host, four), [['guest-vcpus', 2, 1, []]]);
});

test('isolated I/O threads sit in the first cell, and elsewhere when that is full', () => {
  const host = syntheticHost({ cellsPerSocket: 2, coresPerCell: 4 });
  const io = (count: number): PlacementRequest =>
    ask({ vcpus: 3, cells: 1, ioThreads: { count, place: 'isolate' } });
  const seats = (plan: Placement): readonly number[] =>
    (plan.ioThreads ?? []).flatMap(({ pcpus }) => pcpus);
  assert.deepEqual(seats(placed(host, io(1))), [3]);
  assert.deepEqual(seats(placed(host, io(2))), [3, 4]);
  assert.deepEqual(refusedBy(host, io(6))[0], ['free-pcpus', 9, 8, []]);
});

test('a pCPU for QEMU alone is found beside whichever guest cell leaves one', () => {
  const host = syntheticHost({ cellsPerSocket: 2, coresPerCell: 8 });
  const asked = ask({ vcpus: 15, emulator: 'isolate' });
  const given = (first: number): PlacementRequest => {
    const ids = Array.from({ length: 15 }, (_, vcpu) => vcpu);
    const cells = [ids.slice(0, first), ids.slice(first)];
    return {
      ...asked,
      cells: cells.map((cpus) => ({ cpus, memoryBytes: 128 * MIB })),
    };
  };
  for (const request of [asked, { ...asked, cells: 2 }, given(7), given(8)]) {
    const plan = placed(host, request);
    assert.deepEqual(placementFaults(host, request, plan), []);
    const free =
      request.cells === 'auto' || typeof request.cells === 'number' || request === given(8);
    if (free) assert.equal(plan.emulator[0], 15);
  }
  assert.equal(placeOnHost(ledgerOf(host), { ...asked, vcpus: 16 }).ok, false);
});

test("where the first guest cell has QEMU's memory, its threads may have a pCPU in another", () => {
  const host = syntheticHost({ cellsPerSocket: 2, coresPerCell: 4, cellBytes: GIB });
  const seats = [
    syntheticSeat('cpu', { dedicated: [0] }),
    syntheticSeat('ram', { memory: [{ cell: 1, bytes: 384 * MIB, pageKiB: 4 }] }),
  ];
  const request = ask({ vcpus: 6, memoryBytes: GIB, emulator: 'isolate' });
  const plan = placed({ ...host, seats }, request);
  assert.deepEqual(placementFaults({ ...host, seats }, request, plan), []);
  assert.deepEqual(
    plan.guestCells.map(({ hostCell }) => hostCell),
    [0, 1],
  );
});

test('the most vCPUs that fit beside QEMU on a pCPU of its own fill both cells', () => {
  const host = syntheticHost({ cellsPerSocket: 2, coresPerCell: 5 });
  const result = place([host], ask({ vcpus: 10, emulator: 'isolate' }));
  const less = result.ok ? [] : result.smallestChange.filter(({ kind }) => kind === 'vcpus');
  assert.deepEqual(
    less.map(({ request }) => request.vcpus),
    [9],
  );
});

test('a mixed guest idles the fewest siblings there can be where floating guests need the rest', () => {
  const host = syntheticHost({
    cellsPerSocket: 3,
    coresPerCell: 2,
    threads: 2,
    numbering: 'adjacent',
    offline: [2],
    policy: { reservedCpus: [0], cpuRatio: 1 },
    seats: [syntheticSeat('floats', { floating: { vcpus: 2 } })],
  });
  const request = ask({
    policy: 'mixed',
    vcpus: 5,
    dedicatedVcpus: [1, 2, 3],
    threads: 'isolate',
    emulator: 'isolate',
    cells: 3,
  });
  const plan = placed(host, request);
  assert.deepEqual(placementFaults(host, request, plan), []);
  assert.deepEqual(plan.blocked.length, 2);
});

test('other threads may be kept to pCPUs that no guest has for itself, and to no others', () => {
  const policy = { reservedCpus: [0], sharedCpus: [1] };
  const host = syntheticHost({ coresPerCell: 4, policy });
  const plan = placed(host, ask({ vcpus: 2, emulator: { cpus: [0, 1] } }));
  assert.deepEqual(
    [plan.emulator, plan.dedicated],
    [
      [0, 1],
      [2, 3],
    ],
  );
  assert.deepEqual(refusedBy(host, ask({ emulator: { cpus: [1, 2] } })), [
    ['emulator-cpus', '1-2', '1', []],
  ]);
  const seats = [syntheticSeat('old', { dedicated: [1] })];
  assert.deepEqual(refusedBy({ ...host, seats }, ask({ emulator: { cpus: [0, 1] } })), [
    ['emulator-cpus', '0-1', '0', ['old']],
  ]);
});

test('a guest goes where its PCI functions are, and is told who has them when they are gone', () => {
  const shape = { cellsPerSocket: 4, coresPerCell: 4, pciPerCell: [0, 1, 0, 3] };
  const host = syntheticHost(shape);
  const needs = (count: number, cells: number): PlacementRequest =>
    ask({ vcpus: 2, cells, pci: [{ match: SYNTHETIC_PCI, count, locality: 'required' }] });
  assert.deepEqual(placed(host, needs(1, 1)).pci, [{ address: '0001:3b:00.0', cell: 1 }]);
  assert.deepEqual(placed(host, needs(3, 1)).cells, [3]);
  assert.deepEqual(placed(host, needs(4, 2)).cells, [1, 3]);
  const spread = placed(host, needs(2, 2)).pci ?? [];
  assert.deepEqual(
    spread.map(({ cell, guestCell }) => [cell, guestCell]),
    [
      [1, 0],
      [3, 1],
    ],
  );
  const seats = [syntheticSeat('old', { pci: ['0003:3b:00.0', '0003:3b:00.2'] })];
  assert.deepEqual(refusedBy({ ...host, seats }, needs(3, 1))[0], ['pci', 3, 2, ['old']]);
  const [first] = refusedBy({ ...host, seats }, needs(2, 1));
  assert.deepEqual(first, ['pci-locality', 2, 0, []]);
});

test('functions of one switch are taken together', () => {
  const host = syntheticHost({ pciPerCell: [6], seats: [] });
  const seats = [syntheticSeat('old', { pci: ['0000:3b:00.0'] })];
  const pci = [{ match: SYNTHETIC_PCI, count: 2, locality: 'any' }] as const;
  const given = placed({ ...host, seats }, ask({ pci })).pci ?? [];
  assert.deepEqual(given.map(({ address }) => address).toSorted(), [
    '0000:3b:00.2',
    '0000:3b:00.3',
  ]);
});

test('six pinned guests of one vCPU fill three cores and leave the others whole', () => {
  const ledger = ledgerOf(syntheticHost({ coresPerCell: 6, threads: 2, cellBytes: 16 * GIB }));
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const verdict = placeOnHost(ledger, ask({ name }));
    assert.ok(verdict.ok);
    applySeat(ledger, seatOf({ name, uuid: name, running: true }, verdict.write()));
  }
  const cores = ledger.shape.cells.flatMap((cell) => cell.cores);
  assert.equal(cores.filter(({ cpus }) => cpus.every((cpu) => ledger.free.has(cpu))).length, 3);
});

test('a guest of eight cells where seven fit is refused with the number that fit', () => {
  const host = syntheticHost({ cellsPerSocket: 8, coresPerCell: 3 });
  const seats = [syntheticSeat('old', { dedicated: [6, 7] })];
  const checks = refusedBy({ ...host, seats }, ask({ vcpus: 16, cells: 8 }));
  assert.deepEqual(checks, [
    ['cells', 8, 7, []],
    ['free-pcpus', 2, 1, ['old']],
  ]);
});
