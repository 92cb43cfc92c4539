import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { connect, parseUri } from '../../../src/libvirt/index.ts';
import { systemClock } from '../../../src/libvirt/rpc/clock.ts';
import { forwardSocket } from '../../../src/libvirt/transport/ssh-forward.ts';
import { sshProgram } from '../../../src/libvirt/transport/ssh-options.ts';
import { coded } from '../../refusal.ts';

const WAIT = { deadlineMs: 10_000 };

describe('an ssh that cannot be started', () => {
  test('for want of file descriptors is told as a lost connection, and ends nothing else', async () => {
    const script = new URL('ssh-without-files.ts', import.meta.url).pathname;
    const child = spawn('sh', ['-c', 'ulimit -n 64; exec "$0" "$1"', process.execPath, script]);
    const [said, [status]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    assert.deepEqual([said, status], ['BERTH_CONNECTION_CLOSED EMFILE\n', 0]);
  });

  test('because its name leads nowhere is refused by a code', async () => {
    for (const name of ['/etc/passwd/x', '/tmp', 'x'.repeat(1500)]) {
      const refused = coded('BERTH_PERMISSION', /running/);
      await assert.rejects(connect(`qemu+ssh://h/system?command=${name}`, {}, WAIT), refused);
    }
  });
});

test('a socket whose name ssh cannot be told leaves no folder behind', async (t) => {
  const before = process.env['TMPDIR'];
  const dir = await mkdtemp(join(tmpdir(), 'berth-temp-'));
  process.env['TMPDIR'] = dir;
  t.after(async () => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    await rm(dir, { recursive: true });
  });
  const uri = parseUri('qemu+ssh://h/system');
  const forward = forwardSocket(uri, sshProgram(uri), '/run/${USER}', systemClock, WAIT);
  await assert.rejects(forward, coded('BERTH_URI_INVALID'));
  assert.deepEqual(await readdir(dir), []);
});
