import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { quoteWord } from '../../src/base/quote-word.ts';

test('whatever a word holds, a shell leaves it as it is', () => {
  const anyWord = fc.string({ unit: 'binary-ascii' }).map((word) => word.replaceAll('\0', ''));
  fc.assert(
    fc.property(fc.array(anyWord, { maxLength: 5 }), (words) => {
      const command = ['printf', '%s\\0', ...words].map(quoteWord).join(' ');
      const { stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
      assert.equal(stdout, words.length === 0 ? '\0' : words.map((word) => `${word}\0`).join(''));
    }),
    { numRuns: 100 },
  );
});
