import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import * as fc from 'fast-check';
import {
  assembleTopology,
  readHostTopology,
  type HostFacts,
} from '../../src/facts/host-topology.ts';
import {
  coreKey,
  onlineCpus,
  topologyProblems,
  type HostTopology,
} from '../../src/model/topology.ts';
import { parseXml, writeXml } from '../../src/xml/index.ts';
import { makeMachine, type Machine, type Shape } from './machine.ts';

const SMALL: Shape = {
  sockets: 2,
  diesPerSocket: 1,
  cellsPerDie: 1,
  coresPerCell: [4],
  threads: 2,
  coresPerL3: 4,
  memoryOnlyCells: 0,
  offline: [],
  cellStep: 1,
};

const MACHINES: Readonly<Record<string, Shape>> = {
  'two sockets with SMT': SMALL,
  'two sockets of four cells with an L3 for each two cores': {
    ...SMALL,
    cellsPerDie: 4,
    coresPerL3: 2,
  },
  'dies inside sockets': { ...SMALL, diesPerSocket: 2, cellsPerDie: 2, coresPerCell: [2] },
  'cells of memory alone, with gaps in the numbers': { ...SMALL, memoryOnlyCells: 2, cellStep: 8 },
  'uneven cells': { ...SMALL, coresPerCell: [3, 5], coresPerL3: 5 },
  'offline threads and a core that is off whole': { ...SMALL, offline: [2, 9, 13, 5] },
  'a cell whose CPUs are all offline': { ...SMALL, threads: 1, offline: [4, 5, 6, 7] },
};

/** What each way in gives. */
function waysIn(machine: Machine): Readonly<Record<'libvirt alone' | 'both', HostFacts>> {
  const { capabilitiesXml, files, freeMemory, freePages } = machine;
  return {
    'libvirt alone': { capabilitiesXml, freeMemory, freePages },
    both: { capabilitiesXml, files, freeMemory, freePages },
  };
}

for (const [name, shape] of Object.entries(MACHINES)) {
  const machine = makeMachine(shape);
  test(`${name}: libvirt and sysfs together tell all of it`, () => {
    const { topology, unknown } = readHostTopology(waysIn(machine).both);
    assert.deepEqual(topology, machine.topology);
    assert.deepEqual(unknown, []);
  });

  test(`${name}: sysfs alone tells all but the free ordinary pages`, () => {
    const { topology, unknown } = readHostTopology({ files: machine.files, arch: 'x86_64' });
    assert.deepEqual(withoutFreeBasePages(topology), withoutFreeBasePages(machine.topology));
    assert.deepEqual(unknown, []);
  });

  test(`${name}: libvirt alone tells all but the offline CPUs, and says so`, () => {
    const { topology, unknown } = readHostTopology(waysIn(machine)['libvirt alone']);
    assert.deepEqual(topology, { ...machine.topology, offlineCpus: [] });
    assert.deepEqual(unknown, ['offline CPUs, as sysfs was not read']);
  });
}

const anyShape: fc.Arbitrary<Shape> = fc
  .record({
    sockets: fc.integer({ min: 1, max: 3 }),
    diesPerSocket: fc.integer({ min: 1, max: 2 }),
    cellsPerDie: fc.integer({ min: 1, max: 2 }),
    coresPerCell: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
    threads: fc.constantFrom(1, 2, 4),
    coresPerL3: fc.integer({ min: 1, max: 4 }),
    memoryOnlyCells: fc.nat(2),
    cellStep: fc.constantFrom(1, 3),
    offline: fc.array(fc.nat(40), { maxLength: 6 }),
  })
  // CPU 0 cannot be switched off on x86.
  .map((shape) => ({ ...shape, offline: shape.offline.filter((id) => id !== 0) }));

test('any machine is read as it is, whichever way in there is', () => {
  fc.assert(
    fc.property(anyShape, (shape) => {
      const machine = makeMachine(shape);
      const ways = waysIn(machine);
      assert.deepEqual(assembleTopology(ways.both).topology, machine.topology);
      assert.deepEqual(
        assembleTopology(ways['libvirt alone']).topology.cells,
        machine.topology.cells,
      );
      const { topology } = readHostTopology({ files: machine.files, arch: 'x86_64' });
      assert.deepEqual(withoutFreeBasePages(topology), withoutFreeBasePages(machine.topology));
      assert.deepEqual(topologyProblems(topology), []);
    }),
    { numRuns: 60 },
  );
});

test('CPUs that came or went since the capabilities were read are where sysfs has them now', () => {
  fc.assert(
    fc.property(anyShape, fc.array(fc.integer({ min: 1, max: 40 })), (shape, offlineThen) => {
      const now = makeMachine(shape);
      const { capabilitiesXml } = makeMachine({ ...shape, offline: offlineThen });
      const { files, freeMemory, freePages, topology } = now;
      const facts = { capabilitiesXml, files, freeMemory, freePages };
      assert.deepEqual(assembleTopology(facts), { topology, unknown: [] });
    }),
    { numRuns: 60 },
  );
});

test('a CPU that went away for good since the capabilities were read is nowhere', () => {
  const { files, freeMemory, freePages, capabilitiesXml } = makeMachine(SMALL);
  const gone = 15;
  const left = Object.entries(files).filter(([path]) => !path.includes(`/cpu${gone}/`));
  const lists = ['sys/devices/system/cpu/online', 'sys/devices/system/cpu/present'];
  const now = { ...Object.fromEntries(left), ...Object.fromEntries(lists.map((l) => [l, '0-14'])) };
  const { topology } = readHostTopology({ capabilitiesXml, files: now, freeMemory, freePages });
  assert.deepEqual(
    onlineCpus(topology)
      .map((cpu) => cpu.id)
      .toSorted((a, b) => a - b),
    Array.from({ length: gone }, (_, id) => id),
  );
  assert.deepEqual(topology.offlineCpus, []);
});

test('memory that was added, and pools that grew, since the capabilities were read count', () => {
  const { files, freeMemory, freePages, topology, capabilitiesXml } = makeMachine(SMALL);
  const { root } = parseXml(capabilitiesXml, 'capabilities');
  for (const cell of root.findAll('host/topology/cells/cell')) {
    cell.child('memory')?.setText(1024 ** 2);
    for (const pool of cell.childrenNamed('pages')) pool.setText(1);
  }
  const facts = { capabilitiesXml: writeXml(root), files, freeMemory, freePages };
  assert.deepEqual(readHostTopology(facts), { topology, unknown: [] });
});

test('a huge page size that came after the capabilities were read is a pool', () => {
  const { files, freeMemory, freePages, topology, capabilitiesXml } = makeMachine(SMALL);
  const { root } = parseXml(capabilitiesXml, 'capabilities');
  for (const cell of root.findAll('host/topology/cells/cell')) {
    for (const pool of cell.childrenNamed('pages')) {
      if (pool.attribute('size') === '2048') pool.remove();
    }
  }
  const facts = { capabilitiesXml: writeXml(root), files, freeMemory, freePages };
  assert.deepEqual(readHostTopology(facts), { topology, unknown: [] });
});

test('a recorded virtual machine is read whole', () => {
  const file = path.join(import.meta.dirname, '../fixtures/facts/virtual-two-cpus.json');
  const facts = JSON.parse(readFileSync(file, 'utf8')) as HostFacts;
  const { topology, unknown } = readHostTopology(facts);
  assert.deepEqual(unknown, []);
  assert.equal(topology.arch, 'x86_64');
  assert.deepEqual(
    topology.cells.map(({ id, memoryBytes, distances }) => [id, memoryBytes, distances]),
    [[0, 4_942_028 * 1024, [10]]],
  );
  assert.deepEqual(onlineCpus(topology), [
    { id: 0, socket: 0, die: 0, l3: 0, core: 0, siblings: [0], online: true },
    { id: 1, socket: 0, die: 0, l3: 0, core: 1, siblings: [1], online: true },
  ]);
  assert.deepEqual(
    topology.cells[0]?.pages.map(({ sizeKiB, total }) => [sizeKiB, total]),
    [
      [4, 1_235_507],
      [2048, 0],
      [1_048_576, 0],
    ],
  );
  assert.ok(topology.pciAnywhere.length > 0);
});

test('what an old libvirt leaves out is said, and nothing is made up', () => {
  const { unknown, topology } = assembleTopology({
    capabilitiesXml: `<capabilities><host><cpu><arch>x86_64</arch></cpu><topology><cells>
      <cell id='0'><memory>1048576</memory><cpus><cpu id='0' socket_id='0' core_id='0' siblings='0'/></cpus></cell>
      <cell id='1'><cpus><cpu id='1' socket_id='1' core_id='0' siblings='1'/></cpus></cell>
    </cells></topology></host></capabilities>`,
  });
  assert.deepEqual(unknown, [
    'offline CPUs, as sysfs was not read',
    'L3 caches',
    'the free memory of cell 0',
    'distances from cell 0',
    'the memory of cell 1',
    'the free memory of cell 1',
    'distances from cell 1',
  ]);
  assert.equal(onlineCpus(topology)[0]?.l3, undefined);
  assert.deepEqual(topology.cells[0]?.distances, [10, 20]);
});

test('sysfs fills in what libvirt leaves out', () => {
  const machine = makeMachine(SMALL);
  const { root } = parseXml(machine.capabilitiesXml, 'capabilities');
  root.find('host/cache')?.remove();
  for (const cell of root.findAll('host/topology/cells/cell')) cell.child('distances')?.remove();
  for (const cpu of root.findAll('host/topology/cells/cell/cpus/cpu'))
    cpu.removeAttribute('die_id');
  const { files, freeMemory, freePages } = machine;
  const capabilitiesXml = writeXml(root);
  const { topology, unknown } = readHostTopology({ capabilitiesXml, files, freeMemory, freePages });
  assert.deepEqual(topology, machine.topology);
  assert.deepEqual(unknown, []);
});

test('a CPU that libvirt lists without identity is offline', () => {
  const { topology } = assembleTopology({
    capabilitiesXml: `<capabilities><host><topology><cells><cell id='0'><cpus>
      <cpu id='0' socket_id='0' die_id='0' core_id='0' siblings='0-1'/><cpu id='1'/>
    </cpus></cell></cells></topology></host></capabilities>`,
  });
  assert.deepEqual(topology.offlineCpus, [1]);
  assert.deepEqual(
    onlineCpus(topology).map(({ id, siblings }) => [id, siblings]),
    [[0, [0]]],
  );
});

test('cores that share a number without being one core are told apart', () => {
  const cpu = (id: number, siblings: string): string =>
    `<cpu id='${id}' socket_id='0' die_id='0' core_id='${id % 2}' siblings='${siblings}'/>`;
  const { topology } = assembleTopology({
    capabilitiesXml: `<capabilities><host><topology><cells>
      <cell id='0'><cpus>${cpu(0, '0')}${cpu(1, '1')}</cpus></cell>
      <cell id='1'><cpus>${cpu(2, '2')}${cpu(3, '3')}</cpus></cell>
    </cells></topology></host></capabilities>`,
  });
  assert.equal(new Set(onlineCpus(topology).map(coreKey)).size, 4);
});

test('a kernel without NUMA is one cell', () => {
  const files = {
    'proc/meminfo':
      'MemTotal: 2048 kB\nMemFree: 1024 kB\nHugePages_Total: 0\nHugePages_Free: 0\nHugepagesize: 2048 kB\n',
    'sys/devices/system/cpu/online': '0-1\n',
    'sys/devices/system/cpu/present': '0-3\n',
    'sys/devices/system/cpu/cpu0/topology/core_id': '0\n',
    'sys/devices/system/cpu/cpu1/topology/core_id': '1\n',
  };
  const { topology, unknown } = readHostTopology({ files, arch: 'aarch64' });
  assert.deepEqual(
    topology.cells.map(({ id, memoryBytes, freeBytes }) => [id, memoryBytes, freeBytes]),
    [[0, 2048 * 1024, 1024 * 1024]],
  );
  assert.deepEqual(topology.cells[0]?.pages, [
    { sizeKiB: 4, total: 512, free: 256 },
    { sizeKiB: 2048, total: 0, free: 0 },
  ]);
  assert.deepEqual(topology.offlineCpus, [2, 3]);
  assert.deepEqual(unknown, ['sockets', 'SMT siblings', 'L3 caches']);
});

test('free figures that were read later than the totals never exceed them', () => {
  const machine = makeMachine(SMALL);
  const { topology } = readHostTopology({
    capabilitiesXml: machine.capabilitiesXml,
    freeMemory: [{ cell: 0, bytes: 1e15 }],
    freePages: [{ cell: 0, sizeKiB: 2048, free: 1e9 }],
  });
  const [cell] = topology.cells;
  assert.equal(cell?.freeBytes, cell?.memoryBytes);
  assert.equal(cell?.pages[1]?.free, cell?.pages[1]?.total);
});

test('facts that are garbled or contradict themselves are refused, naming the fact', () => {
  const { files, capabilitiesXml } = makeMachine(SMALL);
  const refusals: readonly (readonly [HostFacts, string, RegExp])[] = [
    [{}, 'BERTH_FACTS_INVALID', /neither .* tell of a CPU/],
    [
      { files: { ...files, 'sys/devices/system/cpu/online': '0-x' } },
      'BERTH_FACTS_INVALID',
      /cpu\/online/,
    ],
    [
      { files: { ...files, 'sys/devices/system/cpu/cpu1/topology/core_id': 'one' } },
      'BERTH_FACTS_INVALID',
      /cpu1\/topology\/core_id: "one"/,
    ],
    [{ capabilitiesXml: '<capabilities>' }, 'BERTH_XML_INVALID', /capabilities/],
    [{ capabilitiesXml: '<domain/>' }, 'BERTH_SPEC_INVALID', /<domain>/],
    [
      { capabilitiesXml: capabilitiesXml.replace(`<cell id='1'>`, `<cell id='0'>`) },
      'BERTH_FACTS_INVALID',
      /cell 0 is listed twice/,
    ],
    [
      { capabilitiesXml: capabilitiesXml.replace(`size='2048'>3<`, `size='2048'>999999<`) },
      'BERTH_FACTS_INVALID',
      /more pages than memory/,
    ],
  ];
  for (const [facts, code, message] of refusals) {
    assert.throws(() => readHostTopology(facts), { code, message });
  }
});

/** The kernel's per-cell figures give free memory, not how much of it is whole ordinary pages. */
function withoutFreeBasePages(topology: HostTopology): HostTopology {
  const cells = topology.cells.map((cell) => ({
    ...cell,
    pages: cell.pages.map((pool) => (pool.sizeKiB === 4 ? { ...pool, free: 0 } : pool)),
  }));
  return { ...topology, cells };
}
