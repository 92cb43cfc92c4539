import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { PCI_FILES, TOPOLOGY_FILES } from '../../src/facts/fact-files.ts';
import { readHostTopology } from '../../src/facts/host-topology.ts';
import { readFiles } from '../../src/host/file-view.ts';
import { readingOf, readRemoteFiles } from '../../src/host/remote-files.ts';
import { findProgram } from '../../src/lab/system/system-path.ts';
import { coded } from '../refusal.ts';

const WAIT = { deadlineMs: 30_000 };
const PATTERNS = [...TOPOLOGY_FILES, ...PCI_FILES];
const SHELLS = ['dash', 'bash', 'busybox'];

const folder = mkdtempSync(join(tmpdir(), 'berth-remote-'));
after(() => rmSync(folder, { recursive: true }));

/** A URI whose ssh is a program that does with the command what a login shell here would. */
function loginBy(name: string, script: string): string {
  const program = join(folder, name);
  writeFileSync(program, `#!/bin/sh\nfor line; do :; done\n${script}\n`);
  chmodSync(program, 0o755);
  return `qemu+ssh://far/system?command=${encodeURIComponent(program)}`;
}

describe('the files of a host behind SSH', () => {
  for (const shell of SHELLS) {
    test(`are those that are read locally, where ${shell} is the shell`, async (t) => {
      const program = await findProgram(shell);
      if (program === undefined) return t.skip(`needs: ${shell}`);
      const own = join(folder, `${shell}-bin`);
      mkdirSync(own);
      symlinkSync(program, join(own, 'sh'));
      const uri = loginBy(shell, `PATH=${own}:$PATH exec sh -c "$line"`);
      const reading = await readRemoteFiles(uri, PATTERNS, WAIT);
      assert.ok('files' in reading, JSON.stringify(reading));
      const local = await readFiles({ root: '/' }, PATTERNS);
      assert.deepEqual(Object.keys(reading.files).toSorted(), Object.keys(local).toSorted());
      const [far, near] = [reading.files, local].map((files) => {
        const { topology } = readHostTopology({ files, freeMemory: [], arch: 'x86_64' });
        return { ...topology, cells: topology.cells.map(({ cpus, pci }) => ({ cpus, pci })) };
      });
      assert.deepEqual(far, near);
    });
  }

  test('are named on standard input, never in what is run', async () => {
    const said = join(folder, 'said');
    const uri = loginBy('telltale', `echo "$@" >${said}; exec sh -c "$line"`);
    const reading = await readRemoteFiles(uri, ['proc/meminfo', 'proc/no-such-file'], WAIT);
    assert.ok('files' in reading);
    assert.deepEqual(Object.keys(reading.files), ['proc/meminfo']);
    assert.match(reading.files['proc/meminfo'] ?? '', /^MemTotal: +\d+ kB\n/);
    assert.doesNotMatch(readFileSync(said, 'utf8'), /meminfo/);
    assert.match(readFileSync(said, 'utf8'), /BatchMode=yes/);
  });

  const refusals: readonly (readonly [what: string, script: string, said: RegExp])[] = [
    ['a login that runs one command alone', 'exec head -c 0', /status 0\)$/],
    ['a login that nobody may use', 'echo no logins >&2; exit 1', /status 1\): no logins$/],
    ['a login that talks', 'echo hello; exec sh -c "$line"', /status 0\): /],
    ['a shell that breaks off', 'sh -c "$line" | head -n 3', /status 0\): /],
    ['an ssh that fails', 'echo "Connection refused" >&2; exit 255', /Connection refused/],
    ['endless output', 'exec cat /dev/zero', /more than the limit/],
  ];
  for (const [what, script, said] of refusals) {
    test(`are unread, with the reason, behind ${what}`, async () => {
      const uri = loginBy(what.replaceAll(' ', '-'), script);
      const reading = await readRemoteFiles(uri, PATTERNS, WAIT);
      assert.match('unread' in reading ? reading.unread : '', said);
    });
  }

  test('are waited for until the deadline, or until nobody wants them any more', async () => {
    const pidFile = join(folder, 'pid');
    const uri = loginBy('silent', `echo $$ >${pidFile}; exec sleep 600`);
    const late = await readRemoteFiles(uri, PATTERNS, { deadlineMs: 300 });
    assert.match('unread' in late ? late.unread : '', /reading files on far/);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    while (existsSync(`/proc/${pid}`)) await sleep(10); // it is told to end, and nobody waits for it
    const gone = AbortSignal.abort(new Error('the server ends'));
    const reading = readRemoteFiles(uri, PATTERNS, { ...WAIT, signal: gone });
    await assert.rejects(reading, coded('BERTH_INTERRUPTED', /the server ends/));
  });

  test('keep their lines, and an answer without its end is none', () => {
    const whole = 'berth-files\n=a/b\n+1\n+=2\n=empty\n=c\n++\nberth-end\n';
    const outcome = { status: 0, stderr: '', output: Buffer.from(whole) };
    assert.deepEqual(readingOf(outcome), { files: { 'a/b': '1\n=2\n', c: '+\n' } });
    for (let length = 0; length < whole.length; length++) {
      const part = readingOf({ ...outcome, output: outcome.output.subarray(0, length) });
      assert.ok('unread' in part, `${length} bytes`);
    }
  });
});
