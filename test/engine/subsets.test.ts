import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subsets, subsetsOf } from '../../src/engine/subsets.ts';

test('groups of one size come in the order of their things', () => {
  assert.deepEqual(
    [...subsetsOf(['a', 'b', 'c', 'd'], 2)].map((group) => group.join('')),
    ['ab', 'ac', 'ad', 'bc', 'bd', 'cd'],
  );
});

test('of nothing there is one group, and of more than there is none', () => {
  assert.deepEqual([...subsetsOf([1, 2], 0)], [[]]);
  assert.deepEqual([...subsetsOf([1, 2], 3)], []);
});

test('groups up to a size come small ones first', () => {
  assert.deepEqual(
    [...subsets([1, 2, 3], 2)].map((group) => group.join('')),
    ['1', '2', '3', '12', '13', '23'],
  );
});
