import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { lockFolder } from '../../../src/lab/system/folder-lock.ts';

const busy = (error: unknown): boolean => isBerthError(error, 'BERTH_BUSY');

test('a folder is held by one until he lets go', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'berth-lock-'));
  for (let round = 0; round < 3; round++) {
    using _lock = lockFolder(dir);
    assert.throws(() => lockFolder(dir), busy);
    assert.throws(() => lockFolder(dir), busy, 'a vain attempt does not loosen the lock');
  }
  await rm(dir, { recursive: true });
});

test('a folder that somebody else has removed is his', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'berth-lock-'));
  await rm(dir, { recursive: true });
  assert.throws(
    () => lockFolder(dir),
    (error) => busy(error) && /something else has removed it/.test(String(error)),
  );
});

test('a folder that a lock cannot be in fails as it does', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'berth-lock-'));
  await mkdir(join(dir, 'lock'));
  assert.throws(() => lockFolder(dir), /unable to open database file/);
  await rm(dir, { recursive: true });
});

test('a holder in another process that is killed holds no longer', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'berth-lock-'));
  const module = new URL('../../../src/lab/system/folder-lock.ts', import.meta.url).href;
  const code = `const { lockFolder } = await import(${JSON.stringify(module)});
globalThis.held = lockFolder(process.argv[1]);
console.log('held');
setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', code, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  assert.throws(() => lockFolder(dir), busy);
  const ended = once(holder, 'exit');
  holder.kill('SIGKILL');
  await ended;
  lockFolder(dir)[Symbol.dispose]();
  await rm(dir, { recursive: true });
});
