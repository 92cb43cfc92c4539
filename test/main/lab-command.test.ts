import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { fleetSkip } from '../lab/fleet/test-lab.ts';
import { virsh } from '../lab/tiny-guest.ts';
import { seedState } from '../local/seed-state.ts';

const skip = await fleetSkip();
const BERTH = fileURLToPath(new URL('../../src/main/berth.mjs', import.meta.url));
const home = await mkdtemp(join(tmpdir(), 'berth-home-'));
if (skip === false) await seedState(home, 'cache');

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line as a process of its own. */
async function berth(...argv: readonly string[]): Promise<Ended> {
  const env = { ...process.env, BERTH_HOME: home };
  const child = spawn(process.execPath, [BERTH, ...argv], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = (await ended) as [number | null];
  return { status, stdout, stderr };
}

interface Host {
  readonly name: string;
  readonly uri: string;
  readonly machine: string;
  readonly state: string;
  readonly broken: readonly string[];
}

async function json<T>(...argv: readonly string[]): Promise<T> {
  const { status, stdout, stderr } = await berth(...argv, '--json');
  assert.equal(status, 0, stderr + stdout);
  return JSON.parse(stdout) as T;
}

after(async () => {
  await berth('lab', 'down', '--all');
  await rm(home, { recursive: true, force: true });
});

describe('berth lab', { skip, concurrency: false }, () => {
  test('up gives hosts that answer, ls the same ones, and down leaves none', async () => {
    const up = await json<readonly Host[]>(
      'lab',
      'up',
      '--hosts',
      '3',
      '--machine',
      'opteron-6276-4s',
    );
    assert.deepEqual(
      up.map(({ name, machine }) => [name, machine]),
      [1, 2, 3].map((index) => [`lab-${index}`, 'opteron-6276-4s']),
    );
    for (const { name, uri } of up) {
      assert.equal(await virsh(uri, 'hostname'), name);
      assert.match(await virsh(uri, 'capabilities'), /<cells num='8'>/);
    }
    assert.deepEqual(
      (await json<readonly Host[]>('lab', 'ls')).map(({ name, uri }) => [name, uri]),
      up.map(({ name, uri }) => [name, uri]),
    );
    const { stdout, status } = await berth('lab', 'exec', 'lab-2', '--', 'hostname');
    assert.deepEqual([stdout, status], ['lab-2\n', 0]);
    assert.equal((await berth('lab', 'exec', 'lab-2', '--', 'sh', '-c', 'exit 7')).status, 7);
    assert.equal(
      (await berth('lab', 'exec', 'lab', '--', 'ping', '-c1', '-W2', '198.18.255.255')).status !==
        0,
      true,
    );
    assert.deepEqual(await json('lab', 'down'), {
      changed: true,
      removed: ['lab-1', 'lab-2', 'lab-3'],
      outOfServer: [],
    });
    assert.deepEqual(await json('lab', 'ls'), []);
    assert.deepEqual(await readdir(join(home, 'lab')).catch(() => []), []);
    assert.deepEqual(await json('lab', 'down'), { changed: false, removed: [], outOfServer: [] });
  });

  test('up shows machines that are described in a word or kept in a file, dealt out in turn', async () => {
    const file = join(home, 'two-cells.yaml');
    await writeFile(file, 'sockets: 2\ncores: 4\nmemory: 8GiB\n');
    const word = 'cores=6,threads=2,memory=4GiB,offline=3';
    const machines = ['--machine', file, '--machine', word];
    const up = await json<readonly Host[]>(
      'lab',
      'up',
      '--hosts',
      '3',
      '--name',
      'odd',
      ...machines,
    );
    assert.deepEqual(
      up.map(({ machine }) => machine),
      ['two-cells', word, 'two-cells'],
    );
    const [first, second] = up;
    assert.match(await virsh(first?.uri ?? '', 'capabilities'), /<cells num='2'>/);
    assert.match(await virsh(second?.uri ?? '', 'capabilities'), /<cpus num='11'>/);
    await json('lab', 'down', 'odd');
  });

  test('break breaks a host, ls says so, and mend takes it back', async () => {
    const [host] = await json<readonly Host[]>('lab', 'up', '--hosts', '1');
    const broken = await json<Host>('lab', 'break', 'lab-1', 'clock', '+3600');
    assert.deepEqual(broken.broken, ['clock +3600']);
    const { stdout } = await berth('lab', 'exec', 'lab-1', '--', 'virsh', 'hostname');
    assert.equal(stdout.trim(), 'lab-1');
    assert.deepEqual((await json<readonly Host[]>('lab', 'ls'))[0]?.broken, ['clock +3600']);
    assert.deepEqual((await json<Host>('lab', 'break', 'lab-1', '--mend')).broken, []);
    await json('lab', 'break', 'lab-1', 'crash');
    assert.equal((await json<readonly Host[]>('lab', 'ls'))[0]?.state, 'stopped');
    await json('lab', 'up', '--hosts', '1');
    assert.equal(await virsh(host?.uri ?? '', 'hostname'), 'lab-1');
    await json('lab', 'down');
  });

  test('what cannot be done is refused with its code, and nothing is made', async () => {
    const refusals: readonly (readonly [string, number, ...string[]])[] = [
      ['BERTH_SPEC_INVALID', 2, 'up', '--hosts', '0'],
      ['BERTH_SPEC_INVALID', 2, 'up', '--hosts', '10000'],
      ['BERTH_SPEC_INVALID', 2, 'up', '--hosts', '1', '--name', '../x'],
      ['BERTH_NOT_FOUND', 3, 'up', '--hosts', '1', '--machine', 'opteron-6276-4'],
      ['BERTH_SPEC_INVALID', 2, 'up', '--hosts', '1', '--machine', '/no/such/machine.yaml'],
      ['BERTH_SPEC_INVALID', 2, 'up', '--hosts', '1', '--machine', 'cores=0,memory=1GiB'],
      ['BERTH_SPEC_INVALID', 2, 'up', '--hosts', '1', '--machine', '/proc'],
      ['BERTH_NOT_FOUND', 3, 'break', 'nobody', 'freeze'],
    ];
    for (const [code, exit, ...words] of refusals) {
      const [verb = '', ...rest] = words;
      const { status, stdout, stderr } = await berth('lab', verb, '--json', ...rest);
      assert.equal(status, exit, `${words.join(' ')}: ${stdout}${stderr}`);
      assert.equal((JSON.parse(stdout) as { code: string }).code, code, words.join(' '));
      assert.doesNotMatch(stdout + stderr, /\n\s+at /, 'no stack trace');
    }
    assert.deepEqual(await json('lab', 'ls'), []);
    await assert.rejects(stat(join(home, 'lab', 'lab')), { code: 'ENOENT' });
  });
});
