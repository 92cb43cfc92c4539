import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { assignCheaply, assignFreely, assignNested } from '../../src/engine/assignment.ts';

const CELLS = [0, 1, 2, 3, 4];
const slots = fc.array(fc.subarray(CELLS), { minLength: 1, maxLength: 5 });

test('a matching is found whenever one exists, and it is a matching', () => {
  fc.assert(
    fc.property(slots, (candidates) => {
      const most = mostSeated(candidates);
      const assigned = assignFreely(candidates);
      if ('cells' in assigned) {
        assert.equal(most, candidates.length);
        assert.equal(new Set(assigned.cells).size, candidates.length);
        assigned.cells.forEach((cell, slot) =>
          assert.ok(candidates[slot]?.includes(cell) === true),
        );
      } else {
        assert.equal(assigned.seated, most);
        assert.ok(most < candidates.length);
      }
    }),
  );
});

test('the cheapest matching is as cheap as any that trying everything finds', () => {
  const costs = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 25, maxLength: 25 });
  fc.assert(
    fc.property(slots, costs, (candidates, table) => {
      const cost = (slot: number, cell: number): number => table[slot * 5 + cell] ?? 0;
      const cells = assignCheaply(candidates, cost);
      const least = leastCost(candidates, cost);
      assert.equal(
        cells?.reduce((sum, cell, slot) => sum + cost(slot, cell), 0),
        least,
      );
      if (cells === undefined) return;
      assert.equal(new Set(cells).size, candidates.length);
      cells.forEach((cell, slot) => assert.ok(candidates[slot]?.includes(cell) === true));
    }),
    { numRuns: 2000 },
  );
});

test('slots that need less and less are all seated whenever they can be', () => {
  const nested = slots.map((sets) => {
    const grown = new Set<number>();
    return sets.map((set) => {
      for (const cell of set) grown.add(cell);
      return [...grown];
    });
  });
  const taste = { distance: (a: number, b: number) => Math.abs(a - b), rank: () => [0] };
  fc.assert(
    fc.property(nested, (candidates) => {
      const assigned = assignNested(candidates, taste);
      assert.equal('cells' in assigned, mostSeated(candidates) === candidates.length);
      if (!('cells' in assigned)) return;
      assert.equal(new Set(assigned.cells).size, candidates.length);
      assigned.cells.forEach((cell, slot) => assert.ok(candidates[slot]?.includes(cell) === true));
    }),
  );
});

test('cells close together win over cells far apart', () => {
  const position = [0, 10, 11, 30];
  const distance = (a: number, b: number): number =>
    Math.abs((position[a] ?? 0) - (position[b] ?? 0));
  const all = [0, 1, 2, 3];
  const assigned = assignNested([all, all], { distance, rank: (_, cell) => [cell] });
  assert.deepEqual(assigned, { cells: [1, 2] });
});

/** How many slots can have a cell of their own, by trying every way. */
function mostSeated(
  candidates: readonly (readonly number[])[],
  used: readonly number[] = [],
): number {
  const [first, ...rest] = candidates;
  if (first === undefined) return 0;
  const without = mostSeated(rest, used);
  const taken = first
    .filter((cell) => !used.includes(cell))
    .map((cell) => 1 + mostSeated(rest, [...used, cell]));
  return Math.max(without, ...taken);
}

/** The least that seating every slot costs, by trying every way. */
function leastCost(
  candidates: readonly (readonly number[])[],
  cost: (slot: number, cell: number) => number,
  used: readonly number[] = [],
): number | undefined {
  if (used.length === candidates.length) return 0;
  const slot = used.length;
  const ways = (candidates[slot] ?? [])
    .filter((cell) => !used.includes(cell))
    .flatMap((cell) => {
      const rest = leastCost(candidates, cost, [...used, cell]);
      return rest === undefined ? [] : [cost(slot, cell) + rest];
    });
  return ways.length === 0 ? undefined : Math.min(...ways);
}
