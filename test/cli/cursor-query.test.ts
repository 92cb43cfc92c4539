import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, constantFrom, integer, property } from 'fast-check';
import { CursorQueryFilter } from '../../src/cli/cursor-query.ts';

test('questions about the cursor are taken out, and nothing else, however the output is cut', () => {
  const pieces = constantFrom('\u001b[6n', '\u001b[', '\u001b', '6n', 'a', '\u001b[31m', '[6n');
  check(
    property(array(pieces), array(integer({ min: 1, max: 3 })), (words, cuts) => {
      const text = Buffer.from(words.join('') + '.');
      const filter = new CursorQueryFilter();
      const out: Buffer[] = [];
      let from = 0;
      for (const cut of cuts) {
        out.push(filter.take(text.subarray(from, from + cut)));
        from += cut;
      }
      out.push(filter.take(text.subarray(from)));
      assert.equal(Buffer.concat(out).toString(), text.toString().replaceAll('\u001b[6n', ''));
    }),
  );
});
