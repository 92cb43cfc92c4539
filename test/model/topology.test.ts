import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topologyProblems } from '../../src/model/topology.ts';
import type { Cell, Cpu, HostTopology } from '../../src/model/topology.ts';

const cpu = (id: number, core = id): Cpu => ({
  id,
  socket: 0,
  die: 0,
  core,
  siblings: [id],
  online: true,
});
const cell = (id: number, cpus: readonly Cpu[]): Cell => ({
  id,
  memoryBytes: 1024 ** 3,
  freeBytes: 1024 ** 2,
  pages: [{ sizeKiB: 4, total: 262_144, free: 256 }],
  distances: [10],
  cpus,
  pci: [],
});
const host = (cells: readonly Cell[]): HostTopology => ({
  arch: 'x86_64',
  cells,
  offlineCpus: [],
  pciAnywhere: [],
});

test('a sound machine has no problems', () => {
  assert.deepEqual(topologyProblems(host([cell(0, [cpu(0), cpu(1)])])), []);
});

test('each contradiction is named with the number it is about', () => {
  const twice = host([cell(0, [cpu(3), cpu(3)])]);
  assert.deepEqual(topologyProblems(twice), ['CPU 3 is listed twice']);
  const offline = host([cell(0, [{ ...cpu(0), online: false }])]);
  assert.deepEqual(topologyProblems(offline), ['no CPU is online']);
  const rich = host([{ ...cell(4, [cpu(0)]), freeBytes: 2 ** 40, distances: [10, 20] }]);
  assert.deepEqual(topologyProblems(rich), [
    'cell 4 has 2 distances for 1 cells',
    'cell 4 has more free memory than memory',
  ]);
});
