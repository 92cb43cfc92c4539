import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { attachGuestShell } from '../../../src/lab/guest/guest-shell.ts';
import { missingPrograms } from '../../../src/lab/system/system-path.ts';
import { flakyConsole } from './flaky-console.ts';

const missing = await missingPrograms(['unshare', 'script', 'bash', 'busybox']);
const unmet = process.getuid?.() === 0 ? missing.join(', ') : 'root';
const skip = unmet === '' ? false : `needs: ${unmet}`;

const WAIT = { deadlineMs: 120_000 };
const SHELLS = ['bash --norc --noprofile -i', 'busybox sh -i'];

test(
  'on a console that loses and breaks things each script runs once, and is told of rightly',
  { skip },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-flaky-'));
    t.after(async () => rm(folder, { recursive: true }));
    const share = fc.constantFrom(0, 0.05, 0.1);
    const outputs = fc.array(fc.uint8Array({ maxLength: 6000 }), { minLength: 1, maxLength: 3 });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...SHELLS),
        share,
        share,
        outputs,
        fc.integer(),
        async (shell, lost, broken, outputs, seed) => {
          const console = flakyConsole(shell, { lost, broken, random: numbersFrom(seed) });
          await using guest = await attachGuestShell(console, 'flaky', WAIT);
          const log = join(folder, `${round++}`);
          for (const [index, output] of outputs.entries()) {
            const text = Buffer.from(output).toString('base64');
            const script = `echo ${index} >>${log}; echo ${text} | base64 -d; exit ${index + 3}`;
            const answer = await guest.script(script, WAIT);
            assert.equal(answer.status, index + 3);
            assert.deepEqual(answer.bytes, Buffer.from(output));
          }
          const runs = outputs.map((_, index) => `${index}\n`).join('');
          assert.equal(await readFile(log, 'utf8'), runs, 'each ran once');
        },
      ),
      { numRuns: 10, interruptAfterTimeLimit: 120_000, markInterruptAsFailure: false },
    );
    assert.ok(round >= 3, `${round} rounds`);
  },
);

/** Numbers from 0 to 1, the same for each seed (Park and Miller's generator). */
function numbersFrom(seed: number): () => number {
  let state = (Math.abs(seed) % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
