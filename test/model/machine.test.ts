import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { formatIntSet } from '../../src/base/int-set.ts';
import { GIB } from '../../src/base/units.ts';
import { machineTopology } from '../../src/model/machine.ts';
import type { MachineDescription } from '../../src/model/machine-description.ts';
import { onlineCpus, topologyProblems, type HostTopology } from '../../src/model/topology.ts';
import { anyMachine } from './machine-shapes.ts';

const SMALL: MachineDescription = { sockets: 2, cores: 4, threads: 2, memoryBytes: 8 * GIB };

function cpusOfCells(description: MachineDescription): readonly string[] {
  const { cells } = machineTopology(description);
  return cells.map((cell) => formatIntSet(cell.cpus.map((cpu) => cpu.id)));
}

function l3Groups(topology: HostTopology): readonly string[] {
  const groups = Map.groupBy(onlineCpus(topology), (cpu) => cpu.l3).values();
  return Array.from(groups, (cpus) => formatIntSet(cpus.map((cpu) => cpu.id)));
}

test('any description is a sound topology with the CPUs, cells and memory that it names', () => {
  fc.assert(
    fc.property(anyMachine, (description) => {
      const topology = machineTopology(description);
      assert.deepEqual(topologyProblems(topology), []);
      const { sockets = 1, cells = 1, memoryOnly = [], offline = [] } = description;
      const withCpus = cells === 0 ? 1 : sockets * cells;
      assert.equal(topology.cells.length, withCpus + memoryOnly.length);
      assert.deepEqual(
        topology.offlineCpus,
        [...new Set(offline)].toSorted((a, b) => a - b),
      );
      const ids = [...onlineCpus(topology).map((cpu) => cpu.id), ...topology.offlineCpus];
      assert.deepEqual(
        ids.toSorted((a, b) => a - b),
        ids.map((_, index) => index),
      );
    }),
  );
});

test('second threads are numbered behind all first ones, or beside them', () => {
  assert.deepEqual(cpusOfCells(SMALL), ['0-3,8-11', '4-7,12-15']);
  assert.deepEqual(cpusOfCells({ ...SMALL, siblings: 'adjacent' }), ['0-7', '8-15']);
  const [first] = onlineCpus(machineTopology(SMALL));
  assert.deepEqual(first?.siblings, [0, 8]);
});

test('in round-robin order cells alternate over sockets, and CPUs over cells', () => {
  const description: MachineDescription = { ...SMALL, cells: 2, order: 'round-robin' };
  assert.deepEqual(cpusOfCells(description), ['0,4,8,12', '1,5,9,13', '2,6,10,14', '3,7,11,15']);
  const { cells } = machineTopology(description);
  assert.deepEqual(
    cells.map((cell) => cell.cpus[0]?.socket),
    [0, 1, 0, 1],
  );
  assert.deepEqual(cells[0]?.distances, [10, 21, 12, 21]);
});

test('with no cells of their own all sockets lie in one cell', () => {
  const { cells } = machineTopology({ ...SMALL, cells: 0 });
  assert.equal(cells.length, 1);
  assert.deepEqual([...new Set(cells[0]?.cpus.map((cpu) => cpu.socket))], [0, 1]);
});

test('L3 groups are as large as said and never reach over a socket or a smaller cell', () => {
  assert.deepEqual(l3Groups(machineTopology(SMALL)), ['0-3,8-11', '4-7,12-15']);
  assert.deepEqual(l3Groups(machineTopology({ ...SMALL, threads: 1, l3: 3 })), [
    '0-2',
    '3',
    '4-6',
    '7',
  ]);
  const uneven = { ...SMALL, threads: 1, cells: 2, l3: 2, uneven: [{ cell: 0, cores: 1 }] };
  assert.deepEqual(l3Groups(machineTopology(uneven)), ['0', '1-2', '3-4', '5-6']);
  assert.deepEqual(l3Groups(machineTopology({ ...SMALL, cells: 2, l3: 4 })), [
    '0-3,8-11',
    '4-7,12-15',
  ]);
  assert.ok(onlineCpus(machineTopology({ ...SMALL, l3: 'none' })).every((cpu) => !('l3' in cpu)));
});

test('dies share the cores of a socket, and core numbers begin anew in each', () => {
  const description = { ...SMALL, threads: 1, dies: 2, coreIds: [0, 5] };
  assert.deepEqual(
    onlineCpus(machineTopology(description)).map(({ socket, die, core }) => [socket, die, core]),
    [0, 1].flatMap((socket) => [0, 1].flatMap((die) => [0, 5].map((core) => [socket, die, core]))),
  );
});

test('memory alone is a cell as far from others as the cell it hangs on, and farther', () => {
  const memoryOnly = [{ memoryBytes: 16 * GIB, at: 1 }];
  const { cells } = machineTopology({ ...SMALL, memoryOnly });
  assert.deepEqual(
    cells.map((cell) => cell.distances),
    [
      [10, 21, 25],
      [21, 10, 14],
      [25, 14, 10],
    ],
  );
  assert.deepEqual(cells[2]?.cpus, []);
  assert.equal(cells[2]?.memoryBytes, 16 * GIB);
});

test('huge pages are taken off the ordinary ones of their cell', () => {
  const pages = [{ sizeKiB: 1_048_576, count: 2 }];
  const [cell] = machineTopology({ ...SMALL, pages }).cells;
  assert.equal(cell?.freeBytes, 6 * GIB);
  assert.deepEqual(cell?.pages, [
    { sizeKiB: 4, total: 1_572_864, free: 1_572_864 },
    { sizeKiB: 2048, total: 0, free: 0 },
    { sizeKiB: 1_048_576, total: 2, free: 2 },
  ]);
});

test('an offline CPU is in no cell and among nobody’s siblings', () => {
  const topology = machineTopology({ ...SMALL, offline: [8, 3] });
  assert.deepEqual(topology.offlineCpus, [3, 8]);
  assert.equal(formatIntSet(topology.cells[0]?.cpus.map((cpu) => cpu.id) ?? []), '0-2,9-11');
  assert.deepEqual(topology.cells[0]?.cpus[0]?.siblings, [0]);
});

test('PCI functions lie in their cell, or nowhere that is known', () => {
  const nic = { class: '0x020000', vendor: '0x8086', device: '0x1592' };
  const pci = [
    { ...nic, address: '0000:81:00.0', cell: 1 },
    { ...nic, address: '0000:00:1f.0' },
  ];
  const topology = machineTopology({ ...SMALL, pci });
  assert.deepEqual(topology.cells[1]?.pci, [{ ...nic, address: '0000:81:00.0' }]);
  assert.deepEqual(topology.pciAnywhere, [{ ...nic, address: '0000:00:1f.0' }]);
});

test('a bad description is refused by the field that is wrong', () => {
  const nic = { address: '0000:3b:00.0', class: '0x020000', vendor: '0x8086', device: '0x1592' };
  const cases: readonly (readonly [Partial<MachineDescription>, string])[] = [
    [{ sockets: 0 }, 'sockets'],
    [{ cores: 1.5 }, 'cores'],
    [{ sockets: 8, cores: 1024 }, 'cores'],
    [{ threads: 9 }, 'threads'],
    [{ cells: 3 }, 'cells'],
    [{ sockets: 512, cells: 4 }, 'cells'],
    [{ dies: 3 }, 'dies'],
    [{ l3: 0 }, 'l3'],
    [{ memoryBytes: 100 }, 'memory'],
    [{ memoryBytes: 8 * GIB + 1 }, 'memory'],
    [{ memoryBytes: 2 ** 60 }, 'memory'],
    [{ pages: [{ sizeKiB: 64, count: 1 }] }, 'pages'],
    [{ pages: [{ sizeKiB: 2048, count: 8192 }] }, 'pages'],
    [{ distances: { near: 9, far: 20 } }, 'distances.near'],
    [{ distances: { near: 12, far: 255 } }, 'distances.far'],
    [{ distances: [[10, 20]] }, 'distances'],
    [{ distances: [[10, 20], [10]] }, 'distances[1]'],
    [
      {
        distances: [
          [10, 20],
          [20, 11],
        ],
      },
      'distances[1][1]',
    ],
    [{ memoryOnly: [{ memoryBytes: GIB, at: 2 }] }, 'memoryOnly[0].at'],
    [{ memoryOnly: [{ memoryBytes: 0 }] }, 'memoryOnly[0].memory'],
    [{ offline: [16] }, 'offline'],
    [{ offline: Array.from({ length: 16 }, (_, id) => id) }, 'offline'],
    [{ uneven: [{ cell: 2 }] }, 'uneven[0].cell'],
    [{ uneven: [{ cell: 0, memoryBytes: 1 }] }, 'uneven[0].memory'],
    [{ uneven: [{ cell: 0, cores: 1 }, { cell: 0 }] }, 'uneven[1].cell'],
    [{ coreIds: [0, 1, 2] }, 'coreIds'],
    [{ coreIds: [0, 1, 2, 2] }, 'coreIds'],
    [{ coreIds: [0, 1, 2, 3], uneven: [{ cell: 0, cores: 5 }] }, 'coreIds'],
    [{ pci: [{ ...nic, address: '3b:00.0' }] }, 'pci[0].address'],
    [{ pci: [{ ...nic, class: '0x0200' }] }, 'pci[0].class'],
    [{ pci: [nic, { ...nic, vendor: '8086' }] }, 'pci[1].vendor'],
    [{ pci: [{ ...nic, device: '../x' }] }, 'pci[0].device'],
    [{ pci: [{ ...nic, cell: 2 }] }, 'pci[0].cell'],
    [{ pci: [nic, nic] }, 'pci[1].address'],
  ];
  for (const [wrong, where] of cases) {
    assert.throws(
      () => machineTopology({ ...SMALL, ...wrong }),
      (error: unknown) => {
        assert.equal((error as { code?: string }).code, 'BERTH_SPEC_INVALID');
        assert.equal((error as { data: { where: string } }).data.where, where);
        return true;
      },
    );
  }
});
