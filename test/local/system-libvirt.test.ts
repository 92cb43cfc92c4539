import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { knockAtSystemLibvirt } from '../../src/local/system-libvirt.ts';
import { labHost, labSkip } from '../lab/lab-host.ts';
import { virsh } from '../lab/tiny-guest.ts';
import { seedState } from './seed-state.ts';

const RUN_UP = fileURLToPath(new URL('run-up.ts', import.meta.url));
const skip = await labSkip();
const knock = async (folder: string) =>
  knockAtSystemLibvirt(process.getuid?.() ?? 0, AbortSignal.timeout(30_000), folder);

test('a machine without a libvirt socket has none', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-knock-'));
  assert.deepEqual(await knock(folder), { state: 'absent' });
  await rm(folder, { recursive: true });
});

test('something else behind the socket is unusable, not a failure', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-knock-'));
  const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  server.listen(join(folder, 'libvirt-sock'));
  await once(server, 'listening');
  assert.equal((await knock(folder)).state, 'unusable');
  server.close();
  await rm(folder, { recursive: true });
});

test('a libvirtd that serves this user answers', { skip }, async () => {
  const lab = await labHost();
  assert.deepEqual(await knock(join(lab.dir, 'run')), { state: 'answers' });
});

test(
  'on a machine whose own libvirt answers, up uses it and down leaves it alone',
  { skip },
  async () => {
    // A lab host is such a machine, seen from inside: its libvirt is where the system's would be.
    const lab = await labHost();
    const inside = (...words: readonly string[]) =>
      spawnSync(
        'nsenter',
        ['-t', `${lab.host.pid}`, '-m', '-p', '-u', '-i', process.execPath, RUN_UP, ...words],
        { encoding: 'utf8' },
      );
    const parent = await mkdtemp(join(tmpdir(), 'berth-system-'));
    const home = join(parent, 'home');
    await seedState(home, 'images');

    const closed = inside('up', home);
    assert.equal(closed.status, 1, closed.stdout + closed.stderr);
    assert.match(closed.stdout, new RegExp(`^BERTH_PERMISSION .*${parent} \\|.*chmod o\\+x`, 'm'));

    await chmod(parent, 0o711);
    const first = inside('up', home);
    assert.equal(first.status, 0, first.stdout + first.stderr);
    assert.match(first.stdout, /^skip hypervisor$/m);
    assert.equal(await virsh(lab.uri, 'domstate', 'hello'), 'running');
    assert.match(inside('up', home).stdout, /"changed":false/);

    const end = inside('down', home);
    assert.equal(end.status, 0, end.stdout + end.stderr);
    assert.equal(await virsh(lab.uri, 'domstate', 'hello'), 'shut off');
    assert.equal(inside('up', home).status, 0);
    const purge = inside('purge', home);
    assert.equal(purge.status, 0, purge.stdout + purge.stderr);
    assert.equal(await virsh(lab.uri, 'list', '--all', '--name'), '');
    await rm(parent, { recursive: true });
  },
);
