import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isPlacement } from '../../src/host/placement-check.ts';

const whole = {
  host: 'h1',
  policy: 'shared',
  cells: [0],
  vcpus: [{ vcpu: 0, pcpus: [1] }],
  emulator: [1],
  blocked: [],
  memory: [{ bytes: 1, pageKiB: 4 }],
  memoryMode: 'strict',
  guestCells: [{ id: 0, hostCell: 0, vcpus: [0], bytes: 1 }],
  guestTopology: { sockets: 1, dies: 1, cores: 1, threads: 1 },
  overheadBytes: 1,
  reasons: ['it fits'],
};

test('a placement is one with and without what may be left out', () => {
  const { memoryMode: _, ...unbound } = whole;
  for (const value of [whole, unbound, { ...whole, future: 1 }]) assert.ok(isPlacement(value));
});

test('what would break later work is no placement', () => {
  const broken: readonly object[] = [
    { memory: [null] },
    { memory: [{ bytes: -1, pageKiB: 4 }] },
    { vcpus: [{ vcpu: 0, pcpus: ['1'] }] },
    { vcpus: [{ vcpu: 0, pcpus: [1.5] }] },
    { guestTopology: undefined },
    { guestCells: {} },
    { memoryMode: 'sometimes' },
    { policy: 'greedy' },
    { overheadBytes: Number.NaN },
  ];
  for (const change of broken)
    assert.ok(!isPlacement({ ...whole, ...change }), JSON.stringify(change));
  for (const value of [null, undefined, 'x', []]) assert.ok(!isPlacement(value));
});
