import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cpuMapBytes, cpusOfMap, mapOfCpus } from '../../src/host/cpu-map.ts';
import { verifySeat } from '../../src/host/verify.ts';
import type { ActualSeat } from '../../src/host/verify.ts';
import type { Placement } from '../../src/model/placement.ts';

const placement: Placement = {
  host: 'h1',
  policy: 'dedicated',
  cells: [1],
  vcpus: [
    { vcpu: 0, pcpus: [4] },
    { vcpu: 1, pcpus: [5] },
  ],
  emulator: [4, 5],
  blocked: [],
  memory: [{ cell: 1, bytes: 1024 ** 3, pageKiB: 4 }],
  memoryMode: 'strict',
  guestCells: [],
  guestTopology: { sockets: 1, dies: 1, cores: 2, threads: 1 },
  overheadBytes: 1,
  reasons: [],
};
const asPlanned = new Map([
  [0, [4]],
  [1, [5]],
]);

test('reality as planned is ok, and says what was compared with whom', () => {
  const libvirt = { source: 'libvirt', memoryMode: 'strict', memoryCells: [1] } as const;
  const seat = { vcpus: asPlanned, emulator: [4, 5] };
  const seats = [
    { ...libvirt, ...seat },
    { source: 'kernel' as const, ...seat },
  ];
  const verified = verifySeat(placement, { seats, unknown: [] });
  assert.ok(verified.ok);
  assert.deepEqual(verified.differences, []);
  assert.equal(verified.checked.length, 5 + 3);
});

test('every difference is told with both sides and its source', () => {
  const vcpus = new Map([
    [0, [4]],
    [1, [0, 1, 2, 3]],
  ]);
  const verified = verifySeat(placement, {
    seats: [{ source: 'kernel', vcpus, emulator: [4] }],
    unknown: [],
  });
  assert.ok(!verified.ok);
  assert.deepEqual(verified.differences, [
    { what: 'vcpu 1 affinity', planned: '5', actual: '0-3', source: 'kernel' },
    { what: 'emulator affinity', planned: '4-5', actual: '4', source: 'kernel' },
  ]);
});

test('guest memory that is bound to another cell, or lies in other pages, is told', () => {
  const cells: Placement = {
    ...placement,
    guestCells: [
      { id: 0, hostCell: 1, vcpus: [0], bytes: 1 },
      { id: 1, hostCell: 1, vcpus: [1], bytes: 1 },
    ],
  };
  const seat: ActualSeat = {
    source: 'libvirt',
    vcpus: new Map(),
    memoryMode: 'strict',
    memoryCells: [1],
    guestCells: [{ id: 0, mode: 'strict', hostCells: [0] }],
    pageKiB: 2048,
  };
  const verified = verifySeat(cells, { seats: [seat], unknown: [] });
  const source = 'libvirt';
  assert.deepEqual(verified.differences, [
    { what: 'memory of guest cell 0', planned: 'strict 1', actual: 'strict 0', source },
    { what: 'memory of guest cell 1', planned: 'strict 1', actual: 'none', source },
    { what: 'page size', planned: '4 KiB', actual: '2048 KiB', source },
  ]);
});

test('what nobody told is not claimed to be checked, and what is unknown is passed on', () => {
  const verified = verifySeat(placement, {
    seats: [{ source: 'kernel', vcpus: new Map([[0, [4]]]) }],
    unknown: ['the rest'],
  });
  assert.deepEqual(verified.checked, ['vcpu 0 affinity (kernel)']);
  assert.deepEqual([verified.ok, verified.unknown], [true, ['the rest']]);
});

test('a CPU map holds just the CPUs that were put in', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(1000)), (cpus) => {
      const map = mapOfCpus(cpus, 1001);
      assert.equal(map.length, cpuMapBytes(1001));
      assert.deepEqual(
        cpusOfMap(map),
        cpus.toSorted((a, b) => a - b),
      );
    }),
  );
});
