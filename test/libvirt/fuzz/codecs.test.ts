import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkValues, checkWildBytes, EVERY_CODEC } from './every-codec.ts';
import { heldBytes } from './held-bytes.ts';

/** Runs a codec; the long test makes many more. */
const RUNS = 20;

describe('every codec of every procedure and event', () => {
  test('is found', () => {
    assert.ok(EVERY_CODEC.length > 400, `${EVERY_CODEC.length} codecs`);
    assert.equal(new Set(EVERY_CODEC.map(({ name }) => name)).size, EVERY_CODEC.length);
  });

  test('gives a value or refuses the bytes, whatever they are', () => {
    const before = heldBytes();
    for (const codec of EVERY_CODEC) checkWildBytes(codec, RUNS);
    const grown = heldBytes() - before;
    assert.ok(grown < 16 * 2 ** 20, `${grown} bytes are kept`);
  });

  test('reads what it has written, nothing shorter, nothing longer, and refuses wrong lengths', () => {
    const before = heldBytes();
    for (const codec of EVERY_CODEC) {
      assert.ok(checkValues(codec, RUNS, 2) > 0, `${codec.name} never had a value`);
    }
    const grown = heldBytes() - before;
    assert.ok(grown < 16 * 2 ** 20, `${grown} bytes are kept`);
  });
});
