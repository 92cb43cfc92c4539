import assert from 'node:assert/strict';
import test from 'node:test';
import { readmeExamples, runExample, typeErrors } from '../readme-examples.ts';

const examples = await readmeExamples('src/xml/README.md');

test('the README has examples, and the compiler has nothing against them', async () => {
  assert.equal(examples.length, 3);
  assert.equal(await typeErrors(examples), '');
});

for (const example of examples) {
  test(`the example "${example.title}" prints what the document says`, async () => {
    const { stdout, stderr } = await runExample(example);
    assert.equal(stderr, '');
    assert.equal(stdout, example.output);
  });
}
