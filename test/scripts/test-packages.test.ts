import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { withoutServices } from '../../scripts/test-packages.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-policy-'));
after(() => rmSync(folder, { recursive: true }));

function answer(policy: string): number {
  try {
    execFileSync(policy, ['ssh', 'start']);
    return 0;
  } catch (error) {
    return (error as { status: number }).status;
  }
}

test('while packages are installed starting services is forbidden, and not afterwards', async () => {
  const policy = join(folder, 'policy-rc.d');
  let during = 0;
  await withoutServices(policy, 'root', async () => {
    during = answer(policy);
  });
  assert.equal(during, 101);
  const broken = withoutServices(policy, 'root', async () => Promise.reject(new Error('no net')));
  await assert.rejects(broken, /no net/);
  assert.ok(!existsSync(policy));
});

test('a policy that the machine has stays as it is', async () => {
  const policy = join(folder, 'own-policy');
  writeFileSync(policy, 'exit 0', { mode: 0o755 });
  await withoutServices(policy, 'root', async () => {});
  assert.equal(readFileSync(policy, 'utf8'), 'exit 0');
});

test('a policy that a killed run left is removed like our own', async () => {
  const policy = join(folder, 'left-policy');
  let text = '';
  await withoutServices(policy, 'root', async () => {
    text = readFileSync(policy, 'utf8');
  });
  writeFileSync(policy, text);
  let during = 0;
  await withoutServices(policy, 'root', async () => {
    during = answer(policy);
  });
  assert.equal(during, 101, 'it can be run, too');
  assert.ok(!existsSync(policy));
});

test('a policy that a package brings meanwhile stays', async () => {
  const policy = join(folder, 'new-policy');
  await withoutServices(policy, 'root', async () => writeFileSync(policy, 'exit 0'));
  assert.equal(readFileSync(policy, 'utf8'), 'exit 0');
});

/** Works on packages, as far as the runner's signals are concerned, until it is told to end. */
const AT_WORK = `
  import { once } from 'node:events';
  import { withoutServices } from './scripts/test-packages.ts';
  import { endWithSignals, finishing, stopSignal } from './scripts/test-process.ts';
  endWithSignals();
  const alive = setInterval(() => {}, 1000);
  await finishing(() => withoutServices(process.argv[1], 'root', async () => {
    console.log('at work');
    await once(stopSignal, 'abort');
    stopSignal.throwIfAborted();
  }));
`;

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} while packages are installed leaves no policy`, { timeout: 30_000 }, async () => {
    const policy = join(folder, `${signal}-policy`);
    const options = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript'];
    const runner = spawn(process.execPath, [...options, '--eval', AT_WORK, policy], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(runner, 'exit');
    await once(runner.stdout, 'data');
    assert.equal(answer(policy), 101);
    runner.kill(signal);
    assert.deepEqual(await ended, [null, signal]);
    assert.ok(!existsSync(policy));
  });
}
