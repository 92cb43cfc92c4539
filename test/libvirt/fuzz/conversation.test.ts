import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConversations } from './fuzzed-conversation.ts';
import { heldBytes } from './held-bytes.ts';

test('a daemon that answers with damaged bytes leaves nothing waiting and nothing behind', async (t) => {
  await checkConversations(t, { numRuns: 20 });
  const before = heldBytes();
  await checkConversations(t, { numRuns: 400 });
  const grown = heldBytes() - before;
  assert.ok(grown < 24 * 2 ** 20, `${grown} bytes are kept`);
});
