import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { referencePages, undocumented } from '../../scripts/reference-pages.ts';

test('the reference pages say what the doc comments say: else run node scripts/reference-pages.ts', async () => {
  for (const [path, text] of await referencePages()) {
    assert.equal(readFileSync(path, 'utf8'), text, `${path} is out of date`);
  }
});

test('every export of the libraries has a doc comment', () => {
  assert.deepEqual(undocumented(), []);
});
