import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
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
