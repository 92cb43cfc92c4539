import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labHost, labSkip } from '../lab/lab-host.ts';
import {
  BOOT_DEADLINE_MS,
  consoleLog,
  startGuest,
  tinyGuestXml,
  until,
} from '../lab/tiny-guest.ts';
import { readmeExamples, runExample, typeErrors } from '../readme-examples.ts';

const skip = await labSkip();
const examples = await readmeExamples('src/libvirt/README.md');

test('the README has its ten examples, and the compiler nothing against them', async () => {
  assert.equal(examples.length, 10);
  assert.equal(await typeErrors(examples), '');
});

test(
  'the examples run against a real daemon, with a guest called hello on it',
  { skip },
  async (t) => {
    const lab = await labHost();
    await startGuest(lab, 'hello', tinyGuestXml(lab, 'hello'));
    const prompt = async () => (await consoleLog(lab, 'hello')).includes('# ');
    await until('the prompt of the guest', BOOT_DEADLINE_MS, prompt);
    for (const example of examples) {
      await t.test(example.title, async () => {
        const ran = await runExample(example, { env: { LIBVIRT_DEFAULT_URI: lab.uri } });
        assert.deepEqual({ ...ran, stdout: '' }, { status: 0, stdout: '', stderr: '' });
        if (example.output !== undefined) assert.equal(ran.stdout, example.output);
      });
    }
  },
);
