import assert from 'node:assert/strict';
import { test } from 'node:test';
import { place } from '../../src/engine/place.ts';
import type { PlacementRequest } from '../../src/engine/request.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import { ask } from './requests.ts';
import { SYNTHETIC_PCI, syntheticHost, syntheticSeat } from './synthetic-host.ts';

/** A host of sixteen cells, two to a socket, with PCI functions in some of them. */
function wideHost(having: readonly number[], coresPerCell = 4): HostSnapshot {
  const pciPerCell = Array.from({ length: 16 }, (_, cell) => (having.includes(cell) ? 1 : 0));
  return syntheticHost({ sockets: 8, cellsPerSocket: 2, coresPerCell, pciPerCell });
}

function needing(count: number, fields: Partial<PlacementRequest> = {}): PlacementRequest {
  const pci = [{ match: SYNTHETIC_PCI, count, locality: 'required' }] as const;
  return ask({ vcpus: 4, cells: 4, pci, ...fields });
}

function cellsOf(host: HostSnapshot, request: PlacementRequest): readonly number[] {
  const result = place([host], request);
  assert.ok(result.ok, JSON.stringify(result));
  return result.placement.cells;
}

test('on a host of many cells a guest sits where its functions are', () => {
  assert.deepEqual(cellsOf(wideHost([3, 6, 10, 15]), needing(4)), [3, 6, 10, 15]);
});

test('cells without functions are those near the ones that have them', () => {
  assert.deepEqual(cellsOf(wideHost([10, 15]), needing(2, { vcpus: 3, cells: 3 })), [10, 11, 15]);
});

test('guest cells given by hand count with the functions of their host cells', () => {
  const cells = [{ hostCell: 9 }, {}, {}, {}].map((cell, cpu) => ({
    ...cell,
    cpus: [cpu],
    memoryBytes: 64 * 2 ** 20,
  }));
  const found = cellsOf(wideHost([9, 11, 13, 15]), needing(4, { cells }));
  assert.deepEqual(
    found.toSorted((a, b) => a - b),
    [9, 11, 13, 15],
  );
});

test('where near cells are taken, others are taken beside those with functions', () => {
  const host = wideHost([14, 15], 1);
  // Only cells 0 and 1 and those with functions have a pCPU.
  const dedicated = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13];
  const seats = [syntheticSeat('old', { dedicated })];
  assert.deepEqual(cellsOf({ ...host, seats }, needing(2)), [0, 1, 14, 15]);
});

test('more functions than so many cells have are refused', () => {
  const result = place([wideHost([1, 3, 5, 7, 9, 11, 13])], needing(5));
  assert.ok(!result.ok);
  assert.equal(result.refusals[0]?.checks[0]?.check, 'pci-locality');
});
