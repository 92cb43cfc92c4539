import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ApiServer } from './api-server.ts';
import { fakeLabs, labOf } from './labs.ts';
import { runLine } from './run-line.ts';
import { fleetRoutes } from './world.ts';

const run = promisify(execFile);

const LABS = fakeLabs(labOf('lab', ['this', 'cxl']), labOf('rack', ['arm'])).port;

/** What Tab offers after these words; the last one is being typed. */
async function offered(socket: string, ...words: string[]): Promise<readonly string[]> {
  const ran = await runLine(['__complete', '--', ...words], { socket, lab: LABS });
  assert.equal(ran.status, 0);
  assert.equal(ran.stderr, '');
  return ran.stdout.split('\n').slice(0, -1);
}

test('Tab offers commands, options, choices, names and files where they fit', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const { socket } = server;
  const cases: readonly [words: string[], offers: string[]][] = [
    [['ho'], ['host']],
    [
      ['host', ''],
      ['ls', 'show', 'map', 'add', 'label', 'set', 'cordon', 'uncordon', 'rm'],
    ],
    [['vm', 'sto'], ['stop']],
    [['vm', 'stop', '--f'], ['--force']],
    [
      ['vm', 'stop', ''],
      ['db1', 'cache', 'web1', 'web2'],
    ],
    [
      ['vm', 'stop', '--force', 'web'],
      ['web1', 'web2'],
    ],
    [['vm', 'stop', 'web1', ''], []],
    [['vm', 'create', ''], []],
    [
      ['vm', 'create', 'x', '--policy', ''],
      ['shared', 'dedicated', 'mixed'],
    ],
    [
      ['vm', 'create', 'x', '--host', ''],
      ['kvm1', 'kvm2'],
    ],
    [['plan', '-f', ''], [':files']],
    [['simulate', '--workload', ''], [':files']],
    [['simulate', '--workload', 'x', '--policy', 'sp'], ['spread']],
    [['plan', '-f', 'x', '--policy', 'pa'], ['pack']],
    [['simulate', '--fleet', 'x', '--rep'], ['--report']],
    [['why', 'd'], ['db1']],
    [
      ['host', 'map', 'kvm'],
      ['kvm1', 'kvm2'],
    ],
    [
      ['operation', 'show', ''],
      ['7', '6'],
    ],
    [['completion', 'z'], ['zsh']],
    [['vm', 'console', 'db1', '--until', ''], []],
    [
      ['lab', ''],
      ['up', 'ls', 'exec', 'break', 'down', 'machines'],
    ],
    [['lab', 'up', '--machine', 'c'], ['cxl']],
    [['lab', 'up', '--machine', './'], [':files']],
    [['lab', 'up', '--hosts', ''], []],
    [
      ['lab', 'down', ''],
      ['lab', 'rack'],
    ],
    [['lab', 'ls', 'r'], ['rack']],
    [
      ['lab', 'exec', 'l'],
      ['lab', 'lab-1', 'lab-2'],
    ],
    [['lab', 'exec', 'lab-1', ''], []],
    [
      ['lab', 'break', ''],
      ['lab-1', 'lab-2', 'rack-1'],
    ],
    [
      ['lab', 'break', 'lab-1', ''],
      ['freeze', 'delay', 'clock'],
    ],
    [['lab', 'break', 'lab-1', '--mend', 'd'], ['delay']],
    [['lab', 'machines', 'nps'], ['nps4']],
  ];
  for (const [words, offers] of cases) {
    assert.deepEqual(await offered(socket, ...words), offers, words.join(' '));
  }
});

test('Tab without a server offers what is known, and prints no error', async () => {
  assert.deepEqual(await offered('/nonexistent', 'vm', 'stop', ''), []);
  assert.deepEqual(await offered('/nonexistent', 'vm', 'stop', '--y'), []);
});

test('the bash script offers what the program says', async () => {
  const { stdout: script } = await runLine(['completion', 'bash'], { socket: '/nonexistent' });
  const folder = await mkdtemp(join(tmpdir(), 'berth-completion-'));
  try {
    const asked = join(folder, 'berth');
    await writeFile(asked, '#!/bin/sh\nprintf "%s\\n" "$@" | tail -n 3\n', { mode: 0o755 });
    const session = `${script}
      COMP_WORDS=('${asked}' vm stop 'we'); COMP_CWORD=3
      _berth; printf '<%s>' "\${COMPREPLY[@]}"`;
    const { stdout } = await run('bash', ['--norc', '-c', session]);
    assert.equal(stdout, '<vm><stop><we>');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('every shell has a script that asks the program', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const ran = await runLine(['completion', shell], { socket: '/nonexistent' });
    assert.equal(ran.status, 0);
    assert.match(ran.stdout, /__complete/);
  }
});
