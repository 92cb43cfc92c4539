import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseWorkload } from '../../src/api/workload-file.ts';
import { isBerthError } from '../../src/base/errors.ts';
import { GIB, MIB } from '../../src/base/units.ts';
import { topologyProblems } from '../../src/model/topology.ts';
import { coded } from '../refusal.ts';

/** A workload that is sound; what is to be wrong in it is set by path. */
function sound(): Record<string, unknown> {
  return {
    ratios: { cpu: 16, ram: 1.5 },
    hosts: [
      {
        name: 'h',
        count: 2,
        cells: [
          {
            cpus: [
              [0, 2],
              [1, 3],
            ],
            shared: [0, 2],
            memoryMiB: 4096,
            hugepages: [{ sizeKiB: 2048, total: 512 }],
          },
          { cpus: [[4], [5]], memoryMiB: 2048, hugepages: [] },
        ],
      },
    ],
    flavors: [
      {
        name: 'd',
        vcpus: 2,
        memoryMiB: 1024,
        cpuPolicy: 'dedicated',
        numaNodes: 2,
        pageSize: 'small',
      },
      {
        name: 's',
        vcpus: 1,
        memoryMiB: 512,
        cpuPolicy: 'shared',
        numaNodes: null,
        pageSize: null,
      },
    ],
    requests: [
      [0, 0, 10],
      [1, 0.5, null],
    ],
    seed: 1,
  };
}

/** The same with one value set, or taken away (undefined). */
function broken(path: string, value: unknown): string {
  const document = sound();
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  let at: Record<string, unknown> = document;
  for (const key of keys) at = at[key] as Record<string, unknown>;
  at[last] = value;
  return JSON.stringify(document);
}

test('a workload becomes hosts that share their topology, and requests that share their flavors', () => {
  const { hosts, arrivals } = parseWorkload(JSON.stringify(sound()), 'w.json');
  const [first, second] = hosts;
  assert.deepEqual(
    hosts.map(({ name }) => name),
    ['h-0000', 'h-0001'],
  );
  assert.equal(first?.topology, second?.topology);
  assert.deepEqual(first === undefined ? ['none'] : topologyProblems(first.topology), []);
  assert.deepEqual(first?.policy, {
    reservedCpus: [],
    reservedBytes: 0,
    cpuRatio: 16,
    ramRatio: 1.5,
    boundRatio: 1.5,
    sharedCpus: [0, 2],
    ramCounts: 'all',
    overhead: 'none',
    guestWidth: 'host',
  });
  const [cell] = first.topology.cells;
  assert.deepEqual(
    cell?.cpus.map(({ id, siblings }) => [id, siblings]),
    [
      [0, [0, 2]],
      [2, [0, 2]],
      [1, [1, 3]],
      [3, [1, 3]],
    ],
  );
  assert.deepEqual(cell.pages, [
    { sizeKiB: 4, total: (3072 * 1024) / 4, free: (3072 * 1024) / 4 },
    { sizeKiB: 2048, total: 512, free: 512 },
  ]);
  assert.deepEqual(arrivals, [
    {
      at: 0,
      until: 10,
      flavor: {
        name: 'd',
        vcpus: 2,
        memoryBytes: GIB,
        policy: 'dedicated',
        cells: 2,
        pageKiB: 4,
      },
    },
    {
      at: 0.5,
      flavor: { name: 's', vcpus: 1, memoryBytes: 512 * MIB, policy: 'shared', cells: 'none' },
    },
  ]);
});

const WRONG: readonly (readonly [string, string, unknown, RegExp])[] = [
  ['a misspelt key', 'flavours', [], /^w\.json: flavours: unknown key/],
  ['no ratios', 'ratios', undefined, /ratios: it is missing/],
  [
    'a negative size',
    'hosts.0.cells.0.memoryMiB',
    -1,
    /hosts\[0\]\.cells\[0\]\.memoryMiB: it is too small/,
  ],
  ['a size in parts', 'flavors.0.memoryMiB', 0.5, /flavors\[0\]\.memoryMiB: /],
  ['a vCPU in parts', 'flavors.0.vcpus', 1.5, /flavors\[0\]\.vcpus: /],
  ['no vCPU', 'flavors.1.vcpus', 0, /flavors\[1\]\.vcpus: it is too small/],
  ['an unknown policy', 'flavors.0.cpuPolicy', 'pinned', /flavors\[0\]\.cpuPolicy: unknown word/],
  [
    'vCPUs that do not divide',
    'flavors.0.vcpus',
    3,
    /flavors\[0\]\.vcpus: 3 vCPUs cannot be split evenly over 2/,
  ],
  [
    'pages that do not divide',
    'flavors.0.pageSize',
    '1GB',
    /flavors\[0\]\.memoryMiB: 1024 MiB are not whole pages of 1048576 KiB/,
  ],
  ['a flavor that is not there', 'requests.1.0', 2, /requests\[1\]\[0\]: there is no flavor 2/],
  [
    'time running backwards',
    'requests.0',
    [0, 1, 10],
    /requests\[1\]\[1\]: time runs backwards: 0\.5 s comes after 1 s/,
  ],
  [
    'an end before the beginning',
    'requests.1.2',
    0.25,
    /requests\[1\]\[2\]: the guest is deleted at 0\.25 s/,
  ],
  ['a negative time', 'requests.0.1', -1, /requests\[0\]\[1\]: it is too small/],
  [
    'a pCPU twice in a cell',
    'hosts.0.cells.0.cpus',
    [[0, 2], [2]],
    /hosts\[0\]\.cells\[0\]\.cpus: pCPU 2 is listed twice/,
  ],
  [
    'a pCPU in two cells',
    'hosts.0.cells.1.cpus',
    [[4], [3]],
    /hosts\[0\]\.cells\[1\]\.cpus: pCPU 3 is listed twice/,
  ],
  [
    'no pCPU at all',
    'hosts.0.cells',
    [{ cpus: [], memoryMiB: 1 }],
    /hosts\[0\]\.cells: no CPU is online/,
  ],
  [
    'a shared pCPU of elsewhere',
    'hosts.0.cells.1.shared',
    [0],
    /hosts\[0\]\.cells\[1\]\.shared: pCPU 0 is none of the cell's own/,
  ],
  [
    'pools beyond the memory',
    'hosts.0.cells.0.hugepages',
    [{ sizeKiB: 1048576, total: 5 }],
    /hugepages: 5120 MiB of pages in 4096 MiB/,
  ],
  [
    'a pool twice',
    'hosts.0.cells.0.hugepages',
    [
      { sizeKiB: 2048, total: 1 },
      { sizeKiB: 2048, total: 1 },
    ],
    /two pools have pages of one size/,
  ],
  [
    'a host twice',
    'hosts.1',
    { name: 'h', count: 1, cells: [{ cpus: [[0]], memoryMiB: 1 }] },
    /hosts\[1\]\.name: a host named h is listed twice/,
  ],
  [
    'more vCPUs than a VM may have',
    'flavors.1.vcpus',
    4097,
    /flavors\[1\]\.vcpus: it is too large/,
  ],
  [
    'a flavor beyond exact bytes',
    'flavors.1.memoryMiB',
    2 ** 33,
    /flavors\[1\]\.memoryMiB: it is too large/,
  ],
  [
    'a cell beyond exact bytes',
    'hosts.0.cells.0.memoryMiB',
    2 ** 33,
    /cells\[0\]\.memoryMiB: it is too large/,
  ],
  [
    'cells whose sum is beyond exact bytes',
    'hosts.0.cells.0.memoryMiB',
    2 ** 33 - 1,
    /hosts\[0\]\.cells: 8589936639 MiB of memory, more than/,
  ],
  [
    'a pool beyond exact bytes',
    'hosts.0.cells.0.hugepages',
    [{ sizeKiB: 2048, total: 2 ** 52 }],
    /MiB of pages in 4096 MiB/,
  ],
];
for (const [what, path, value, said] of WRONG) {
  test(`a workload with ${what} is refused by its path`, () => {
    assert.throws(
      () => parseWorkload(broken(path, value), 'w.json'),
      coded('BERTH_SPEC_INVALID', said),
    );
  });
}

test('a workload that is no JSON is refused by its line', () => {
  const text = JSON.stringify(sound(), null, 1).replace('"seed": 1', '"seed": x');
  const line = text.split('\n').findIndex((one) => one.includes('seed')) + 1;
  assert.throws(
    () => parseWorkload(text, 'w.json'),
    coded('BERTH_SPEC_INVALID', new RegExp(`^w\\.json:${line}:10: it is not JSON`)),
  );
});

test('a workload of too many hosts is refused by their sum', () => {
  const entry = (name: string): object => ({
    name,
    count: 600_000,
    cells: [{ cpus: [[0]], memoryMiB: 1 }],
  });
  assert.throws(
    () => parseWorkload(broken('hosts', [entry('a'), entry('b')]), 'w.json'),
    coded('BERTH_TOO_LARGE', /the number of hosts is 1200000, more than the limit of 1000000/),
  );
});

const SAID_WITH_WHAT_IS_RIGHT: readonly (readonly [string, unknown, RegExp, string])[] = [
  ['flavors.0.vcpus', -1, /flavors\[0\]\.vcpus: it is too small/, 'at least 1'],
  ['ratios.cpu', 0, /ratios\.cpu: it is too small/, 'more than 0'],
  ['requests.0', 7, /requests\[0\]: it is of the wrong type/, 'a value: array'],
  ['flavors', [], /requests\[0\]\[0\]: there is no flavor 0/, 'flavors that requests are of'],
  [
    'hosts.0.cells.0.shared',
    [0, 0],
    /cells\[0\]\.shared: pCPU 0 is listed twice/,
    'a machine that can exist',
  ],
  ['hosts', [], /hosts: there is no host in it/, 'one host or more'],
];

for (const [where, value, said, expected] of SAID_WITH_WHAT_IS_RIGHT) {
  test(`${where} of ${JSON.stringify(value)} is refused with what would be right`, () => {
    assert.throws(
      () => parseWorkload(broken(where, value), 'w.json'),
      (error) => {
        coded('BERTH_SPEC_INVALID', said)(error);
        assert.ok(isBerthError(error, 'BERTH_SPEC_INVALID'));
        assert.equal(error.data.expected, expected);
        return true;
      },
    );
  });
}
