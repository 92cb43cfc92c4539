import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from '../../src/base/duration.ts';
import { isBerthError } from '../../src/base/errors.ts';

test('a length of time is a number and its unit', () => {
  assert.deepEqual(
    ['90s', '30m', '6h', '2d'].map((text) => parseDuration(text, 'x')),
    [90_000, 1_800_000, 21_600_000, 172_800_000],
  );
});

test('a length of time without a unit, of another unit or of nothing is refused', () => {
  for (const text of ['', '6', '6w', '-6h', '1.5h', '0h', '6 h', 'h']) {
    assert.throws(
      () => parseDuration(text, 'spec.placement.expectedLifetime'),
      (error) => isBerthError(error, 'BERTH_SPEC_INVALID'),
      text,
    );
  }
});
