import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { firstOf } from '../../src/base/first-of.ts';

test('the first few are those that sorting everything puts first', () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 1000 }));
  fc.assert(
    fc.property(numbers, fc.integer({ min: 0, max: 20 }), (values, count) => {
      const things = values.map((value) => ({ value }));
      const first = firstOf(things, count, (one, other) => one.value < other.value);
      const sorted = things.toSorted((one, other) => one.value - other.value);
      assert.deepEqual(first, sorted.slice(0, count));
    }),
  );
});
