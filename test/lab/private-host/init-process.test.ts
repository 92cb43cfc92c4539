import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { InitProcess } from '../../../src/lab/private-host/init-process.ts';
import { SYSTEM_PATH } from '../../../src/lab/system/system-path.ts';

test('what has ended is not signalled: its number may be that of another group', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'berth-init-'));
  t.after(async () => rm(dir, { recursive: true }));
  const script = join(dir, 'init.sh');
  await writeFile(script, 'echo "begun $$"; exit 3');
  const env = { PATH: SYSTEM_PATH };
  const child = new InitProcess({ what: 'the host', script: [script], dir, env });
  await assert.rejects(child.failed, /it ended with status 3/);
  const signals = t.mock.method(process, 'kill', () => true);
  await child.kill();
  assert.equal(signals.mock.callCount(), 0);
});
