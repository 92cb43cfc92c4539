import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { BitSet } from '../../src/base/bit-set.ts';

const ids = fc.uniqueArray(fc.nat({ max: 200 }));

test('a bit set holds what a Set holds, in ascending order', () => {
  fc.assert(
    fc.property(ids, ids, (added, removed) => {
      const bits = new BitSet(added);
      for (const id of removed) bits.delete(id);
      const plain = new Set(added).difference(new Set(removed));
      assert.deepEqual(
        [...bits],
        [...plain].toSorted((a, b) => a - b),
      );
      assert.equal(bits.size, plain.size);
      assert.equal(bits.isEmpty, plain.size === 0);
      for (let id = 0; id < 210; id++) assert.equal(bits.has(id), plain.has(id));
    }),
  );
});

test('combining two bit sets does what combining two Sets does, whatever their lengths', () => {
  fc.assert(
    fc.property(ids, ids, (left, right) => {
      const [a, b] = [new BitSet(left), new BitSet(right)];
      const [plainA, plainB] = [new Set(left), new Set(right)];
      const sorted = (set: Set<number>): number[] => [...set].toSorted((x, y) => x - y);
      assert.deepEqual([...a.and(b)], sorted(plainA.intersection(plainB)));
      assert.deepEqual([...a.minus(b)], sorted(plainA.difference(plainB)));
      assert.deepEqual([...a.or(b)], sorted(plainA.union(plainB)));
      assert.equal(a.countIn(b), plainA.intersection(plainB).size);
      assert.equal(a.isSubsetOf(b), plainA.isSubsetOf(plainB));
      assert.equal(a.equals(b), plainA.symmetricDifference(plainB).size === 0);
      assert.deepEqual([...a], sorted(plainA), 'operands stay as they were');
    }),
  );
});

test('the bit at the end of a word counts like any other', () => {
  assert.deepEqual([...new BitSet([31, 32, 63, 64])], [31, 32, 63, 64]);
  assert.equal(new BitSet([31, 32, 63, 64]).size, 4);
});
