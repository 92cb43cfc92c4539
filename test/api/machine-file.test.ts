import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import {
  MACHINE_SHORTHAND,
  parseMachineShorthand,
  parseMachineText,
} from '../../src/api/machine-file.ts';
import { isBerthError } from '../../src/base/errors.ts';
import { GIB, MIB } from '../../src/base/units.ts';
import { machineTopology } from '../../src/model/machine.ts';

/** Where an error points, and what it says. */
function refusal(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    assert.ok(isBerthError(error, 'BERTH_SPEC_INVALID'), String(error));
    const { line, column, problem, expected } = error.data;
    return `${line}:${column} ${problem}; expected ${expected}`;
  }
  assert.fail('it was accepted');
}

test('a machine file is a description, sizes with their units', () => {
  const source = parseMachineText(
    `
arch: x86_64
sockets: 2
cells: 2
cores: 8
threads: 2
l3: 4
l3Size: 32MiB
memory: 64GiB
pages: { 2MiB: 1024, 1GiB: 4 }
distances: { near: 12, far: 32 }
memoryOnly: [{ memory: 256GiB, at: 1, distance: 17 }]
offline: 3,17-18
uneven: [{ cell: 3, cores: 2, memory: 32GiB }, { cell: 1, memory: 0, pages: {} }]
siblings: adjacent
order: round-robin
coreIds: [0, 4, 1, 5, 2, 6, 3, 7]
pci: [{ address: 0000:3b:00.0, cell: 1, class: 0x020000, vendor: '0x8086', device: 0x1592 }]
`,
    'm.yaml',
  );
  assert.deepEqual(source, {
    kind: 'description',
    description: {
      arch: 'x86_64',
      sockets: 2,
      cells: 2,
      cores: 8,
      threads: 2,
      l3: 4,
      l3Bytes: 32 * MIB,
      memoryBytes: 64 * GIB,
      pages: [
        { sizeKiB: 2048, count: 1024 },
        { sizeKiB: 1_048_576, count: 4 },
      ],
      distances: { near: 12, far: 32 },
      memoryOnly: [{ memoryBytes: 256 * GIB, at: 1, distance: 17 }],
      offline: [3, 17, 18],
      uneven: [
        { cell: 3, cores: 2, memoryBytes: 32 * GIB },
        { cell: 1, memoryBytes: 0, pages: [] },
      ],
      siblings: 'adjacent',
      order: 'round-robin',
      coreIds: [0, 4, 1, 5, 2, 6, 3, 7],
      pci: [
        { address: '0000:3b:00.0', cell: 1, class: '0x020000', vendor: '0x8086', device: '0x1592' },
      ],
    },
  });
});

test('a machine file can be JSON, and a snapshot is one too', () => {
  const description = { cores: 4, memory: '8GiB' };
  const typed = parseMachineText(JSON.stringify(description), 'm.json');
  assert.deepEqual(typed, {
    kind: 'description',
    description: { cores: 4, memoryBytes: 8 * GIB },
  });
  const topology = machineTopology({ cores: 4, memoryBytes: 8 * GIB, l3: 'none' });
  const snapshot = { name: 'h1', seats: [], topology };
  const source = parseMachineText(JSON.stringify(snapshot, undefined, 2), 's.json');
  assert.deepEqual(source, { kind: 'topology', topology });
});

test('what is wrong in a machine file is said with its line and column', () => {
  const cases: readonly (readonly [text: string, refusal: string])[] = [
    [
      '',
      'undefined:undefined there is no machine in it; expected one machine, such as "cores: 8" and "memory: 32GiB"',
    ],
    [
      'cores: 8\n---\ncores: 9\n',
      'undefined:undefined there are several documents; expected one machine, such as "cores: 8" and "memory: 32GiB"',
    ],
    [
      'cores: [\n',
      '2:1 Flow sequence in block collection must be sufficiently indented and end with a ]; expected valid YAML',
    ],
    [
      'cores: 8\nmemory: 32GiB\nunevn: []\n',
      '3:1 unevn: unknown key; expected only documented keys',
    ],
    [
      'cores: 8\nmemory: 32GB\n',
      '2:1 memory: "32GB" is not a size; expected a number with a binary unit, such as 512MiB or 32GiB',
    ],
    [
      'memory: 32GiB\nuneven:\n  - cell: 0\n    pages: {2MiB: 99999}\ncores: 1\n',
      '4:5 uneven[0].pages: the pages exceed the memory of the cell; expected fewer pages',
    ],
    [
      'cores: 8\nmemory: 32GiB\ndistances:\n  - [10, 20]\n',
      '4:5 distances[0]: it has 2 numbers; expected 1, one for each cell',
    ],
    [
      'cores: 8\nmemory: 32GiB\nl3: most\n',
      '3:1 l3: it is not valid; expected a number of cores, or none',
    ],
    [
      'topology:\n  arch: x\n  cells: 3\n',
      '3:3 topology.cells: it is of the wrong type; expected a value: array',
    ],
  ];
  for (const [text, expected] of cases) {
    assert.equal(
      refusal(() => parseMachineText(text, 'm.yaml')),
      expected,
    );
  }
});

test('a snapshot that contradicts itself is refused', () => {
  const topology = machineTopology({ cores: 2, memoryBytes: GIB });
  const [cell] = topology.cells;
  assert.ok(cell !== undefined);
  const nic = { address: '0000:3b:00.0', class: '0x020000', vendor: '0x8086', device: '0x1592' };
  const wrong: readonly unknown[] = [
    { ...topology, cells: [cell, cell] },
    { ...topology, cells: [{ ...cell, cpus: [] }] },
    { ...topology, cells: [{ ...cell, memoryBytes: -1024, freeBytes: -1024 }] },
    { ...topology, offlineCpus: [1e9] },
    { ...topology, cells: [{ ...cell, id: 1024 }] },
    { ...topology, pciAnywhere: [{ ...nic, address: '../../../etc/x' }] },
    { ...topology, cells: [{ ...cell, pci: [{ ...nic, class: 'anything' }] }] },
  ];
  for (const one of wrong) {
    const text = JSON.stringify({ topology: one });
    assert.match(
      refusal(() => parseMachineText(text, 's.json')),
      /^1:2 topology: .*; expected a snapshot as Berth wrote it$/,
    );
  }
});

test('one word of a command line is a machine', () => {
  const word =
    'sockets=2,cells=2,cores=16,threads=2,memory=128GiB,l3=8,l3-size=16MiB,offline=3,5-6,' +
    'memory-only=256GiB,64GiB@1,distances=12,32,pages=1024x2MiB,8x1GiB,core-ids=0-7,16-23,order=blocks';
  assert.deepEqual(parseMachineShorthand(word), {
    sockets: 2,
    cells: 2,
    cores: 16,
    threads: 2,
    memoryBytes: 128 * GIB,
    l3: 8,
    l3Bytes: 16 * MIB,
    offline: [3, 5, 6],
    memoryOnly: [{ memoryBytes: 256 * GIB }, { memoryBytes: 64 * GIB, at: 1 }],
    distances: { near: 12, far: 32 },
    pages: [
      { sizeKiB: 2048, count: 1024 },
      { sizeKiB: 1_048_576, count: 8 },
    ],
    coreIds: [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23],
    order: 'blocks',
  });
});

test('every example of the shorthand that its help gives is understood', () => {
  const given = new Map<string, string>(
    MACHINE_SHORTHAND.map(({ key, example }) => [key, example]),
  );
  given.set('core-ids', '0-63');
  given.delete('dies');
  const word = [...given].map(([key, example]) => `${key}=${example}`).join(',');
  assert.equal(parseMachineShorthand(word).cores, 64);
  assert.equal(parseMachineShorthand('cores=8,memory=1GiB,dies=2,core-ids=0-1,8-9').dies, 2);
});

test('what is wrong in the shorthand is said with its column', () => {
  const cases: readonly (readonly [word: string, refusal: RegExp])[] = [
    ['', /^1:1 "" is no key; expected key=value, the key one of sockets, /],
    ['big', /^1:1 "big" is no key/],
    ['cores=8,colour=red,memory=1GiB', /^1:9 "colour" is no key/],
    ['cores=8,memory=1GiB,cores=9', /^1:21 "cores" is there twice/],
    ['cores=8', /^undefined:undefined memory: it is missing/],
    ['cores=8,memory=1', /^1:9 memory: "1" is not a size/],
    ['cores=many,memory=1GiB', /^1:1 cores: it is of the wrong type/],
    ['cores=9,cells=2,memory=1GiB', /^1:9 cells: 2 cannot share 9 cores/],
    ['cores=8,memory=1GiB,memory-only=1GB', /^1:21 memory-only: "1GB" is not a size/],
    ['cores=8,memory=1GiB,pages=2MiB', /^1:21 pages: it is of the wrong type/],
    [
      'cores=8,memory=1GiB,offline=99',
      /^1:21 offline: there is no CPU 99; expected CPUs from 0 to 7/,
    ],
  ];
  for (const [word, expected] of cases) {
    assert.match(
      refusal(() => parseMachineShorthand(word)),
      expected,
    );
  }
});

test('whatever is typed is a machine or is refused in words', () => {
  const pieces = fc.constantFrom(
    ...MACHINE_SHORTHAND.map(({ key, example }) => `${key}=${example}`),
    'cores=4',
    'memory=1GiB',
    'pages=x',
    'memory-only=@',
    'distances=1,2,3',
    'offline=0-99999',
    'cores=8192,threads=2',
    ',',
    '=',
  );
  const word = fc.oneof(
    fc.array(pieces).map((parts) => parts.join(',')),
    fc.string(),
  );
  fc.assert(
    fc.property(word, (text) => {
      try {
        machineTopology(parseMachineShorthand(text));
      } catch (error) {
        assert.ok(isBerthError(error, 'BERTH_SPEC_INVALID'), String(error));
      }
    }),
    { numRuns: 300 },
  );
});
