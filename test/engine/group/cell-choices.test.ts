import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GIB, KIB, MIB } from '../../../src/base/units.ts';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import { cellChoices } from '../../../src/engine/group/cell-choices.ts';
import { placeGroup } from '../../../src/engine/group/place-group.ts';
import type { PlacementRequest } from '../../../src/engine/request.ts';
import { ledgerOf } from '../../../src/engine/ledger.ts';
import type { HostSnapshot } from '../../../src/model/host.ts';
import { ask } from '../requests.ts';
import { syntheticHost, syntheticSeat } from '../synthetic-host.ts';

const CORES = 16;

/** A host of so many cells; the first so many of them differ in how many pCPUs are taken. */
function hostOf(cells: number, different: number): HostSnapshot {
  const seats = Array.from({ length: different }, (_, cell) =>
    syntheticSeat(`old${cell}`, {
      dedicated: Array.from({ length: cell + 1 }, (__, core) => cell * CORES + core),
    }),
  );
  const policy = { overhead: 'none' } as const;
  const shape = { cellsPerSocket: cells, coresPerCell: CORES, cellBytes: 8 * GIB, policy, seats };
  return syntheticHost({ ...shape, pools: [{ sizeKiB: 2 * KIB, total: 512 }] });
}

test('of cells that are alike one choice is enough, and it is every one', () => {
  const { sets, complete } = cellChoices(ledgerOf(hostOf(12, 0)), ask({ vcpus: 8 }), 4);
  assert.deepEqual({ sets, complete }, { sets: [[0, 1, 2, 3]], complete: true });
});

test('choices that are left out are told of', () => {
  const { sets, complete } = cellChoices(ledgerOf(hostOf(9, 9)), ask({ vcpus: 8 }), 4);
  assert.deepEqual([sets.length, complete], [64, false]);
  const few = cellChoices(ledgerOf(hostOf(9, 9)), ask({ vcpus: 8 }), 1);
  assert.deepEqual([few.sets.length, few.complete], [9, true]);
  // Only the last cells of many differ, which is behind the first 2,000 sets.
  const late = hostOf(40, 0);
  const taken = syntheticSeat('old', { dedicated: [39 * CORES] });
  const many = cellChoices(ledgerOf({ ...late, seats: [taken] }), ask({ vcpus: 9 }), 3);
  assert.equal(many.complete, false);
});

const open: readonly (readonly [string, Partial<PlacementRequest>])[] = [
  ['guest cells that differ', { vcpus: 9, cells: 4 }],
  ['guest cells given by hand', { vcpus: 2, cells: [0, 1].map((cpu) => givenCell(cpu)) }],
  ['a nodeset', { vcpus: 4, nodeset: [0, 1] }],
  ['PCI functions', { vcpus: 4, cells: 4, pci: [{ count: 1, locality: 'any' }] }],
  ['pCPUs that float', { vcpus: 4, policy: 'shared' }],
];

function givenCell(cpu: number) {
  return { cpus: [cpu], memoryBytes: 128 * MIB };
}

for (const [what, fields] of open) {
  test(`how a guest may lie is not wholly tried with ${what}`, () => {
    assert.equal(cellChoices(ledgerOf(hostOf(4, 0)), ask(fields), 4).complete, false);
  });
}

test('a refusal is proven only where every choice of cells was tried', () => {
  // No VM is there that the last one has to be near.
  const affinity = [{ selector: 'app=web', over: 'host', hard: true }];
  const requests = [
    ask({ name: 'v0', vcpus: 8, cells: 4 }),
    ask({ name: 'v1', vcpus: 1, affinity }),
  ];
  const provenOn = (different: number): boolean | undefined => {
    const result = placeGroup(new Fleet([hostOf(9, different)]), requests);
    return result.ok ? undefined : result.proven;
  };
  assert.deepEqual([provenOn(2), provenOn(9)], [true, false]);
});

test('a refusal is not called proven where an earlier VM may have the pCPUs a later one names', () => {
  const host = hostOf(1, 0);
  const far = { affinity: [{ selector: 'app=web', over: 'host', hard: true }] };
  const named = { cpuset: [0, 1, 2] };
  const requests = [
    ask({ name: 'v0', vcpus: 2, ...named }),
    ask({ name: 'v1', vcpus: 1, ...named, ...far }),
  ];
  const result = placeGroup(new Fleet([host]), requests);
  assert.deepEqual([result.ok, !result.ok && result.proven], [false, false]);
});
