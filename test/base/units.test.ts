import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isBerthError } from '../../src/base/errors.ts';
import { formatSize, parseSize, toSafeNumber } from '../../src/base/units.ts';

test('binary units are whole powers of 1024', () => {
  assert.equal(parseSize('512MiB', 'x'), 512 * 1024 ** 2);
  assert.equal(parseSize('1.5 GiB', 'x'), 1.5 * 1024 ** 3);
  assert.equal(parseSize('1B', 'x'), 1);
});

test('a missing or decimal unit, a part of a byte, zero and absurd sizes are refused', () => {
  for (const text of [
    '512',
    '1GB',
    '1.5B',
    '0.5B',
    '0MiB',
    '-1GiB',
    '9999999TiB',
    'GiB',
    '',
    '1e3MiB',
  ]) {
    assert.throws(
      () => parseSize(text, 'spec.memory.size'),
      (error) => isBerthError(error, 'BERTH_SPEC_INVALID'),
      text,
    );
  }
});

test('a fraction means the nearest whole KiB', () => {
  assert.equal(parseSize('1.3GiB', 'x'), 1_363_149 * 1024);
});

test('a shown size reads back within its last digit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (bytes) => {
      const shown = parseSize(formatSize(bytes), 'x');
      assert.ok(Math.abs(shown - bytes) <= bytes * 0.05 + 1024, formatSize(bytes));
    }),
  );
});

test('a size never shows as 1024 of a unit', () => {
  assert.equal(formatSize(1024 ** 3 - 1), '1 GiB');
  assert.equal(formatSize(1023.9 * 1024 ** 2), '1023.9 MiB');
  assert.equal(formatSize(1000), '1000 B');
});

test('a wire integer beyond 2^53 - 1 is refused instead of rounded', () => {
  assert.equal(toSafeNumber(2n ** 53n - 1n, 'x'), Number.MAX_SAFE_INTEGER);
  assert.throws(
    () => toSafeNumber(2n ** 53n, 'cpu time'),
    (error) => isBerthError(error, 'BERTH_RANGE'),
  );
});
