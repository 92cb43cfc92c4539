import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isBerthError } from '../../../src/base/errors.ts';
import { packBlock, unpackBlock } from '../../../src/server/metrics/history-block.ts';
import { packColumn, unpackColumn } from '../../../src/server/metrics/history-codec.ts';

const SCALES = [1, 1000, 1 / 64, 1 / 65_536];

test('every column comes back as whole units, with its gaps', () => {
  const value = fc.option(fc.double({ min: 0, max: 2 ** 40, noNaN: true }), { nil: undefined });
  fc.assert(
    fc.property(fc.array(value), fc.constantFrom(...SCALES), (values, scale) => {
      const rounded = values.map((each) =>
        each === undefined ? undefined : Math.round(each * scale) / scale,
      );
      assert.deepEqual(unpackColumn(packColumn(values, scale), scale), rounded);
    }),
  );
});

test('bytes of anything else are refused or read, and nothing breaks', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        const values = unpackColumn(bytes, 1);
        assert.ok(values.length <= bytes.length);
      } catch (error) {
        assert.ok(isBerthError(error, 'BERTH_FACTS_INVALID'));
      }
    }),
  );
  assert.throws(() => unpackBlock('AA==,AA=='), { code: 'BERTH_FACTS_INVALID' });
});

test('what cannot be is packed as a gap or as the nearest that can', () => {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, -5, 2 ** 60];
  assert.deepEqual(unpackColumn(packColumn(odd, 1), 1), [undefined, undefined, 0, 2 ** 51]);
});

test('an hour of a VM that does little takes a fraction of what its numbers would', () => {
  const uses = Array.from({ length: 60 }, (_, index) => ({
    cpu: 0.2 + (index % 7) / 100,
    wait: 0.001,
    memory: 600 * 1024 ** 2 + (index % 3) * 65_536,
    disk: (index % 5) * 4096,
    net: 1500 + (index % 11) * 64,
  }));
  const block = packBlock(uses);
  assert.ok(block.length < 600, `${block.length} characters for 300 values`);
  assert.deepEqual(
    unpackBlock(block).cpu,
    uses.map(({ cpu }) => Math.round(cpu * 1000) / 1000),
  );
});
