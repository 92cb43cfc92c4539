import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Heap } from '../../src/base/heap.ts';

interface Entry {
  readonly rank: number;
  readonly name: number;
}

test('what was pushed comes out in order, whatever is pushed and taken out in between', () => {
  const actions = fc.array(fc.option(fc.integer({ min: 0, max: 9 })), { maxLength: 60 });
  fc.assert(
    fc.property(actions, (pushes) => {
      const before = (a: Entry, b: Entry) => a.rank - b.rank || a.name - b.name;
      const heap = new Heap<Entry>((one, other) => before(one, other) < 0);
      const plain: Entry[] = [];
      for (const [name, rank] of pushes.entries()) {
        if (rank === null) {
          assert.deepEqual(heap.pop(), plain.shift());
        } else {
          heap.push({ rank, name });
          plain.push({ rank, name });
          plain.sort(before);
        }
        assert.equal(heap.size, plain.length);
        assert.deepEqual(heap.first, plain[0]);
      }
      assert.deepEqual(
        plain.map(() => heap.pop()),
        plain,
      );
      assert.equal(heap.pop(), undefined);
    }),
  );
});
