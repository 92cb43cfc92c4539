import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isBerthError } from '../../src/base/errors.ts';
import { formatIntSet, INT_SET_MAX, parseIntSet } from '../../src/base/int-set.ts';

test('an exclusion wins wherever it stands', () => {
  assert.deepEqual(parseIntSet('0-10,^5', 'x'), [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]);
  assert.deepEqual(parseIntSet('^5,4-6', 'x'), [4, 6]);
});

test('the empty text is the empty set', () => {
  assert.deepEqual(parseIntSet('', 'x'), []);
  assert.deepEqual(parseIntSet(' ', 'x'), []);
});

test('what is written reads back as the same set', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(INT_SET_MAX), { maxLength: 200 }), (ids) => {
      assert.deepEqual(
        parseIntSet(formatIntSet(ids), 'x'),
        ids.toSorted((a, b) => a - b),
      );
    }),
  );
});

test('a list that is none is refused, naming what it was for and the part that is wrong', () => {
  for (const text of ['a', '3-1', '1-', '-1', '1,,2', '1;2', '70000', '1 2', '^', '1e3']) {
    assert.throws(
      () => parseIntSet(text, 'spec.cpu.cpuset'),
      (error) =>
        isBerthError(error, 'BERTH_SPEC_INVALID') &&
        error.exit === 2 &&
        error.message.startsWith('spec.cpu.cpuset: '),
      text,
    );
  }
});

test('a list that says the same range again and again costs what it says once', () => {
  const text = Array.from({ length: 100_000 }, () => '0-65535').join();
  const start = performance.now();
  assert.equal(parseIntSet(text, 'x').length, 65_536);
  assert.ok(performance.now() - start < 10_000, 'it took minutes of work');
});

test('the error about a long list shows its beginning alone', () => {
  assert.throws(
    () => parseIntSet(`${'7,'.repeat(100_000)}x`, 'cpuset'),
    (error) => error instanceof Error && error.message.length < 300,
  );
});
