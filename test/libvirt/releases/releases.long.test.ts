import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { atProcessEnd } from '../../lab/at-process-end.ts';
import { skip } from '../daemon.ts';
import { RELEASES, type Release } from './release-host.ts';

/**
 * Of what runs against this machine's libvirt at every change, the tests without a guest at its
 * prompt: another release's QEMU under emulation boots one several times slower. With
 * BERTH_TEST_RELEASE the others run against it too, one by one.
 */
const FILES = [
  'qemu-host',
  'qemu-network',
  'qemu-network-metadata',
  'qemu-node-device',
  'qemu-secret',
  'qemu-storage',
  'test-driver-objects',
].map((name) => `test/libvirt/real/${name}.test.ts`);

/** Some two minutes on two idle cores, of which others may take most. */
const DEADLINE_MS = 30 * 60_000;

const TAP_SHOWN = 8000;

interface Run {
  readonly status: number | null;
  /** What the runner said, as TAP. */
  readonly said: string;
  /** What was left in the folder for temporary files. */
  readonly left: readonly string[];
}

for (const release of RELEASES) {
  test(
    `the client speaks with the libvirt of Debian ${release} as with this machine's`,
    { skip, timeout: DEADLINE_MS },
    async (t) => {
      const { status, said, left } = await runAgainst(release, t.signal);
      assert.equal(status, 0, `${failures(said).join('\n')}\n${said.slice(-TAP_SHOWN)}`);
      assert.deepEqual(left, []);
      assert.ok(count(said, 'pass') > FILES.length, 'the tests ran');
      const needs = [...said.matchAll(/# SKIP (.*)$/gm)].map(([, need]) => need);
      t.diagnostic(`${release}: ${count(said, 'pass')} passed, ${count(said, 'skipped')} skipped`);
      for (const need of new Set(needs)) t.diagnostic(`${release}: skipped by ${need}`);
    },
  );
}

/**
 * Runs those tests once more, each file a process as ever, one after the other, against another
 * release's libvirt. A call that a release does not have is skipped in them with its need.
 */
async function runAgainst(release: Release, signal: AbortSignal): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-release-'));
  try {
    const args = ['--test', '--test-force-exit', '--test-concurrency=1', '--test-reporter=tap'];
    const env = { ...process.env, BERTH_TEST_RELEASE: release, TMPDIR: folder };
    const child = spawn(process.execPath, [...args, ...FILES], {
      env: { ...env, NODE_TEST_CONTEXT: undefined },
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true, // so that it ends with all the processes of its tests
    });
    atProcessEnd(() => endAll(child));
    signal.addEventListener('abort', () => endAll(child));
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    const [status] = (await once(child, 'close')) as [number | null];
    return { status, said: Buffer.concat(chunks).toString(), left: await readdir(folder) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The runner and the tests, which end their hosts. */
function endAll({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, 'SIGTERM');
}

/** Of each test that failed: where it is, what it is called, and why. */
function failures(tap: string): readonly string[] {
  const failed = /^ *not ok \d+ - (.*)\n(?:.*\n)*? *location: '(.*)'\n(?:.*\n)*? *error: (.*)$/gm;
  return [...tap.matchAll(failed)].map(([, title, where, why]) => `${where} ${title}: ${why}`);
}

function count(tap: string, what: 'pass' | 'skipped'): number {
  return Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(tap)?.[1]);
}
