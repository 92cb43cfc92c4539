import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { localWay } from '../../src/host/file-view.ts';
import { labHost, labSkip } from '../lab/lab-host.ts';

const skip = await labSkip();
const folder = mkdtempSync(join(tmpdir(), 'berth-view-'));
after(() => rmSync(folder, { recursive: true }));

const mustNotAsk = async (): Promise<string> => assert.fail('the name does not matter');
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A process of a name that listens at a socket. */
async function listener(name: string): Promise<{ socket: string; process: ChildProcess }> {
  const socket = join(folder, `${name}-sock`);
  const child = spawn(process.execPath, [script('listen-as.ts'), name, socket], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
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
    const other = await localWay([socket], async () => 'another-machine');
    assert.equal(other.files, undefined);
    const own = await localWay([socket], async () => hostname());
    assert.deepEqual(own.files, { root: '/' });
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
      const command = [process.execPath, script('print-local-way.ts'), socket, name];
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
