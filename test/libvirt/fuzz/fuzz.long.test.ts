import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkValues, checkWildBytes, EVERY_CODEC } from './every-codec.ts';
import { checkConversations } from './fuzzed-conversation.ts';
import { heldBytes } from './held-bytes.ts';

/** Every run of this file begins with seeds of its own; a failure tells which. */
const RUNS = 500;
const CONVERSATIONS = 3000;

describe('at length, with fresh seeds', { concurrency: false }, () => {
  test('every codec gives a value or refuses the bytes', () => {
    const before = heldBytes();
    for (const codec of EVERY_CODEC) checkWildBytes(codec, RUNS);
    assert.ok(heldBytes() - before < 16 * 2 ** 20);
  });

  test('every codec reads what it has written, and nothing shorter or longer', () => {
    for (const codec of EVERY_CODEC) checkValues(codec, RUNS, 20);
  });

  test('damaged answers leave nothing waiting', async (t) => {
    await checkConversations(t, { numRuns: CONVERSATIONS });
  });
});
