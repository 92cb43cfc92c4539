import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Seat } from '../../src/model/host.ts';
import { joinedSeat } from '../../src/model/joined-seat.ts';

const seat: Seat = {
  vm: 'vm',
  uuid: 'u',
  managed: true,
  running: true,
  dedicated: [],
  floating: { vcpus: 0 },
  memory: [],
  overheadBytes: 0,
};

test('a VM between two seats holds what either takes, and of a pool only the more', () => {
  const joined = joinedSeat(
    { ...seat, dedicated: [4, 1], memory: [{ cell: 0, bytes: 8, pageKiB: 4 }], overheadBytes: 3 },
    {
      ...seat,
      running: false,
      dedicated: [1, 2],
      memory: [
        { cell: 0, bytes: 2, pageKiB: 4 },
        { cell: 0, bytes: 3, pageKiB: 4 },
        { cell: 1, bytes: 6, pageKiB: 4 },
      ],
      pci: ['0000:3b:00.0'],
    },
  );
  assert.deepEqual(joined, {
    ...seat,
    dedicated: [1, 2, 4],
    memory: [
      { cell: 0, bytes: 8, pageKiB: 4 },
      { cell: 1, bytes: 6, pageKiB: 4 },
    ],
    overheadBytes: 3,
    pci: ['0000:3b:00.0'],
  });
});

test('floating vCPUs are counted as the larger of both guests', () => {
  const floating = { vcpus: 4, over: [0, 1] };
  const now = { ...seat, floating };
  assert.deepEqual(joinedSeat(now, { ...seat, dedicated: [3] }).floating, floating);
  assert.deepEqual(joinedSeat({ ...seat, dedicated: [3] }, now).floating, floating);
});
