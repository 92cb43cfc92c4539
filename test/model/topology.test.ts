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

const nic = { address: '0000:3b:00.0', class: '0x020000', vendor: '0x8086', device: '0x1592' };
const withPci = (...pci: Cell['pci']): HostTopology => host([{ ...cell(0, [cpu(0)]), pci }]);

test('a PCI function is sound as the kernel and libvirt write it, in any domain', () => {
  const addresses = ['0000:00:1f.7', '10000:e1:00.0', 'fffffffe:00:00.0'];
  const functions = addresses.map((address) => ({ ...nic, address }));
  assert.deepEqual(topologyProblems(withPci(...functions)), []);
});

test('a PCI function whose fields could lead elsewhere is told, wherever it hangs', () => {
  const cases = [
    [
      { address: '../../../etc/cron.d/x' },
      /^the address "\.\.\/.*" of a PCI function is not an addr/,
    ],
    [{ address: '0000:3b:00.0/../x' }, /^the address /],
    [{ address: '0000:3b:00.0\n' }, /^the address /],
    [{ address: '0000:3b:3f.0' }, /^the address /],
    [{ address: '' }, /^the address /],
    [{ class: '* * * * * root true' }, /^the class /],
    [{ vendor: '0x8086\n' }, /^the vendor /],
    [{ device: 'x'.repeat(1e6) }, /^the device "x{40}\.\.\." of/],
  ] as const;
  for (const [fields, message] of cases) {
    const wrong = { ...nic, ...fields };
    for (const topology of [
      withPci(nic, wrong),
      { ...host([cell(0, [cpu(0)])]), pciAnywhere: [wrong] },
    ]) {
      const [problem = '', ...others] = topologyProblems(topology);
      assert.match(problem, message);
      assert.deepEqual(others, []);
    }
  }
});

test('numbers of cells and CPUs beyond those of every kernel are told', () => {
  for (const id of [-1, 1024, 9007199254740991, 0.5, Number.NaN]) {
    const told = `cell ${id} is not from 0 to 1023`;
    assert.deepEqual(topologyProblems(host([cell(id, [cpu(0)])])), [told]);
  }
  const sound = host([cell(1023, [cpu(8191)])]);
  assert.deepEqual(topologyProblems(sound), []);
  for (const id of [-1, 8192, 9007199254740991]) {
    const told = `CPU ${id} is not from 0 to 8191`;
    assert.deepEqual(topologyProblems({ ...sound, offlineCpus: [id] }), [told]);
    assert.deepEqual(topologyProblems(host([cell(0, [cpu(id)])])), [told]);
    const twins = { ...cpu(0), siblings: [0, id] };
    assert.deepEqual(topologyProblems(host([cell(0, [twins])])), [told]);
  }
  const offlineCpus = Array<number>(200_000).fill(1);
  assert.deepEqual(topologyProblems({ ...sound, offlineCpus }), [
    'there are too many offline CPUs',
  ]);
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
