import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replayFaults } from './plain-checker.ts';
import type { PlainLine, PlainWorkload } from './plain-checker.ts';

/** Two cells of two dedicated and two shared pCPUs with 4 GiB each, half of that in 1 GiB pages. */
function workload(values: Partial<PlainWorkload> = {}): PlainWorkload {
  const cell = (cpus: number[][], shared: number[]) => ({
    cpus,
    shared,
    memoryMiB: 4096,
    hugepages: [{ sizeKiB: 1024 * 1024, total: 2 }],
  });
  const flavor = { memoryMiB: 2048, cpuPolicy: 'dedicated', numaNodes: 1, pageSize: '1GB' };
  return {
    ratios: { cpu: 2, ram: 1.5 },
    hosts: [
      {
        name: 'h',
        count: 1,
        cells: [
          cell(
            [
              [0, 4],
              [1, 5],
            ],
            [0, 4],
          ),
          cell(
            [
              [2, 6],
              [3, 7],
            ],
            [2, 6],
          ),
        ],
      },
    ],
    flavors: [
      { ...flavor, name: 'd', vcpus: 2 },
      { ...flavor, name: 's', vcpus: 1, cpuPolicy: 'shared', numaNodes: null, pageSize: null },
    ],
    requests: [
      [0, 0, 10],
      [0, 1, null],
    ],
    ...values,
  };
}

function seat(row: number, cell: number, pcpus: readonly number[], pageKiB = 1048576): PlainLine {
  return { row, host: 'h-0000', cells: [{ cell, pcpus, memoryMiB: 2048, pageKiB }] };
}

const GOOD = [seat(0, 0, [1, 5]), seat(1, 1, [3, 7])];

test('the checker lets a sound replay pass', () => {
  assert.deepEqual(replayFaults(workload(), GOOD), []);
});

const FAULTS: readonly (readonly [string, readonly PlainLine[], RegExp])[] = [
  ['a pCPU of another guest', [seat(0, 0, [1, 5]), seat(1, 0, [1, 5])], /pCPU 1 is row 0's/],
  ['a shared pCPU', [seat(0, 0, [0, 5]), seat(1, 1, [3, 7])], /pCPU 0 is no dedicated one/],
  ['a pCPU of another cell', [seat(0, 0, [1, 3]), seat(1, 1, [3, 7])], /pCPU 3 is no dedicated/],
  ['too few pCPUs', [seat(0, 0, [1]), seat(1, 1, [3, 7])], /1 pCPUs instead of 2/],
  ['pages of another size', [seat(0, 0, [1, 5], 4), seat(1, 1, [3, 7])], /pages of 4 KiB/],
  ['pages beyond the pool', [seat(0, 0, [1, 5]), seat(1, 0, [1, 5])], /cell 0 is overcommitted/],
  ['a refusal of what fits', [seat(0, 0, [1, 5])], /row 1: d is refused, and fits h-0000/],
  ['a row that is not there', [...GOOD, seat(9, 0, [1])], /there is no row 9/],
  ['a row placed twice', [...GOOD, seat(1, 1, [3, 7])], /placed twice/],
];
for (const [what, lines, said] of FAULTS) {
  test(`the checker sees ${what}`, () => {
    assert.match(replayFaults(workload(), lines).join('\n'), said);
  });
}

test('the checker gives back what a guest had when its time has come, and not before', () => {
  const lines = [seat(0, 0, [1, 5]), seat(1, 0, [1, 5])];
  const at = (second: number): PlainWorkload =>
    workload({
      requests: [
        [0, 0, 10],
        [0, second, null],
      ],
    });
  assert.deepEqual(replayFaults(at(10), lines), []);
  assert.notDeepEqual(replayFaults(at(9), lines), []);
});

test('the checker counts floating guests on the host alone', () => {
  const requests = Array.from({ length: 7 }, (_, at) => [1, at, null] as const);
  const lines = requests.slice(0, 6).map((_, row) => ({ row, host: 'h-0000', cells: [] }));
  assert.deepEqual(replayFaults(workload({ requests }), lines), []);
  assert.match(
    replayFaults(workload({ requests }), lines.slice(0, 5)).join(),
    /row 5: s is refused/,
  );
});
