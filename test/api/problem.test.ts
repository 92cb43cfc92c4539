import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorOf, problemOf } from '../../src/api/problem.ts';
import { berthError } from '../../src/base/errors.ts';

const BUSY = berthError('BERTH_BUSY', { what: 'web', holder: 'operation 7 is running' });

test('an error comes out of its problem document as it went in', () => {
  const error = errorOf(JSON.parse(JSON.stringify(problemOf(BUSY))));
  assert.deepEqual([error?.code, error?.message], ['BERTH_BUSY', BUSY.message]);
});

test('work that could not be taken back travels with its own code', () => {
  const both = new SuppressedError(new Error('could not remove the file'), BUSY);
  assert.deepEqual(problemOf(both), problemOf(BUSY));
});

test('of a defect nothing of its inside is told', () => {
  const problem = problemOf(new Error('/root/secret'));
  assert.equal(problem.code, 'BERTH_INTERNAL');
  assert.doesNotMatch(JSON.stringify(problem), /secret/);
});
