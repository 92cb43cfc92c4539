import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { localWay } from '../../src/host/file-view.ts';
import { socketListeners } from '../../src/host/socket-listener.ts';
import { labHost, labSkip, labUnmetNeed } from '../lab/lab-host.ts';
import { OTHER_USER, otherUserUnmetNeed } from '../lab/other-user.ts';

const skip = await labSkip();
const user = (await labUnmetNeed()) ?? otherUserUnmetNeed() ?? false;
const SESSION_HOST = fileURLToPath(
  new URL('../lab/private-host/session-host-as-user.ts', import.meta.url),
);
const folder = mkdtempSync(join(tmpdir(), 'berth-view-'));
after(() => rmSync(folder, { recursive: true }));

const mustNotAsk = async (): Promise<string> => assert.fail('the name does not matter');
const PRINT_LOCAL_WAY = fileURLToPath(new URL('print-local-way.ts', import.meta.url));
const LISTEN_AS = fileURLToPath(new URL('listen-as.ts', import.meta.url));

/** A process of a name that listens at a socket, started by another program if one is given. */
async function listener(
  name: string,
  ...by: readonly string[]
): Promise<{ socket: string; process: ChildProcess }> {
  const socket = join(folder, `${name}-sock`);
  rmSync(socket, { force: true });
  const [program, ...args] = [...by, process.execPath, LISTEN_AS, name, socket];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return { socket, process: child };
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.stdin?.end();
  await ended;
}

test('a daemon in namespaces of its own shows its own files', { skip }, async () => {
  const { host } = await labHost();
  const { files } = await localWay([host.socket], mustNotAsk);
  assert.match(files?.root ?? '', /^\/proc\/\d+\/root$/);
});

test('an ordinary user’s own daemon is found by that user and by root', { skip: user }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'berth-user-'));
  chownSync(dir, OTHER_USER, OTHER_USER);
  const other = { uid: OTHER_USER, gid: OTHER_USER, cwd: '/', encoding: 'utf8' } as const;
  const session = (what: string): string =>
    execFileSync(process.execPath, [SESSION_HOST, what, dir], other);
  const { socket } = JSON.parse(session('start-hidden')) as { socket: string };
  try {
    const look = [PRINT_LOCAL_WAY, socket, 'another-machine'];
    for (const as of [other, { encoding: 'utf8' } as const]) {
      const found = JSON.parse(execFileSync(process.execPath, look, as)) as { files?: unknown };
      assert.ok(found.files !== undefined);
    }
  } finally {
    session('stop');
    rmSync(dir, { recursive: true });
  }
});

test('a daemon that lives where we live shows ours, also by a symbolic link to its socket', async () => {
  const { socket, process } = await listener('libvirtd');
  const link = join(folder, 'another-name');
  symlinkSync(socket, link);
  try {
    assert.deepEqual(await localWay([socket], mustNotAsk), { socket, files: { root: '/' } });
    assert.deepEqual((await localWay([link], mustNotAsk)).files, { root: '/' });
  } finally {
    await end(process);
  }
});

test('a daemon that shares our /sys but not our /proc shows its own files', { skip }, async () => {
  const unshare = ['unshare', '--pid', '--fork', '--mount-proc'];
  const { socket, process } = await listener('libvirtd', ...unshare);
  try {
    const { files } = await localWay([socket], mustNotAsk);
    assert.match(files?.root ?? '', /^\/proc\/\d+\/root$/);
  } finally {
    await end(process);
  }
});

test('nobody listens at a socket that is gone', async () => {
  assert.deepEqual(await socketListeners(join(folder, 'gone'), new Set()), []);
});

test('behind a socket that something else serves are no files of ours', async () => {
  const socket = join(folder, 'line.sock');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  try {
    assert.deepEqual(await localWay([socket], mustNotAsk), { socket, files: undefined });
  } finally {
    server.close();
  }
});

test('a service manager that would start something behind a socket says nothing of what', async () => {
  const { socket, process } = await listener('systemd');
  try {
    for (const name of [hostname(), `${hostname()}.example.org`]) {
      const own = await localWay([socket], async () => name);
      assert.deepEqual(own.files, { root: '/' }, name);
    }
    for (const name of ['localhost', `${hostname()}2`, '']) {
      const other = await localWay([socket], async () => name);
      assert.equal(other.files, undefined, name);
    }
  } finally {
    await end(process);
  }
});

test('where nobody can be seen listening, the host’s name decides', { skip }, async () => {
  const { host } = await labHost();
  const server = createServer();
  const ours = join(folder, 'unseen.sock');
  await new Promise<void>((resolve) => server.listen(ours, resolve));
  for (const socket of [host.socket, ours]) {
    // A pid namespace of its own hides every other process.
    const look = (name: string): unknown => {
      const command = [process.execPath, PRINT_LOCAL_WAY, socket, name];
      const unshare = ['--pid', '--fork', '--mount-proc', ...command];
      return JSON.parse(execFileSync('unshare', unshare, { encoding: 'utf8' }));
    };
    assert.deepEqual(look('another-machine'), { socket });
    assert.deepEqual(look(hostname()), { socket, files: { root: '/' } });
  }
  server.close();
});

test('without a socket on this machine there are no files, and nobody is asked', async () => {
  const nothing = { socket: undefined, files: undefined };
  assert.deepEqual(await localWay([], mustNotAsk), nothing);
  assert.deepEqual(await localWay([join(folder, 'absent')], mustNotAsk), nothing);
});
