import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { COMMAND_OUTPUT_BYTES_MAX, runCommand } from '../../../src/lab/system/run-command.ts';
import { coded } from '../../refusal.ts';

const deadlineMs = 20_000;

/** Runs a script that tells process ids in its first line, and is aborted by that. */
function abortedAtFirstLine(script: string): { pids: number[]; run: Promise<unknown> } {
  const aborter = new AbortController();
  const pids: number[] = [];
  const onLine = (line: string): void => {
    pids.push(...line.split(' ').map(Number));
    aborter.abort();
  };
  const run = runCommand(['sh', '-c', script], { deadlineMs, signal: aborter.signal, onLine });
  return { pids, run };
}

/** One that has ended and waits for its parent to look runs no more. */
function isRunning(pid: number): boolean {
  const status = `/proc/${pid}/status`;
  return existsSync(status) && !/^State:\s*[ZX]/m.test(readFileSync(status, 'utf8'));
}

describe('a command', () => {
  test('gets its arguments and input as they are and gives both outputs', async () => {
    const script = 'cat; printf %s "$1"; echo oops >&2';
    const argv = ['sh', '-c', script, 'sh', '$(reboot); "x"'] as const;
    const lines: string[] = [];
    const options = { deadlineMs, input: 'in\n', onLine: (line: string) => lines.push(line) };
    const output = await runCommand(argv, options);
    assert.deepEqual(output, { stdout: 'in\n$(reboot); "x"', stderr: 'oops\n' });
    assert.deepEqual(lines.toSorted(), ['in', 'oops']);
  });

  test('that fails says so with the last lines of its error output', async () => {
    const script = 'for i in $(seq 100); do echo "line $i" >&2; done; exit 3';
    const run = runCommand(['sh', '-c', script], { deadlineMs });
    await assert.rejects(
      run,
      coded('BERTH_COMMAND_FAILED', /sh failed \(exit 3\): line 93\n.*line 100$/s),
    );
  });

  test('that is not there names what to install', async () => {
    const run = runCommand(['no-such-program'], { deadlineMs, packages: ['its-package'] });
    await assert.rejects(run, coded('BERTH_PACKAGES_NEEDED', /its-package/));
  });

  test('ends with its children on abort', { timeout: deadlineMs }, async () => {
    const { pids, run } = abortedAtFirstLine('sleep 60 & echo $$ $!; wait');
    await assert.rejects(run, coded('BERTH_INTERRUPTED', /sh was interrupted/));
    assert.deepEqual(pids.map(isRunning), [false, false]);
  });

  test('ends with its children at its deadline', { timeout: deadlineMs }, async () => {
    const pids: number[] = [];
    const onLine = (line: string): unknown => pids.push(...line.split(' ').map(Number));
    const argv = ['sh', '-c', 'sleep 60 & echo $$ $!; wait'] as const;
    const late = runCommand(argv, { deadlineMs: 1000, onLine });
    await assert.rejects(late, coded('BERTH_DEADLINE', /within 1000 ms/));
    assert.deepEqual(pids.map(isRunning), [false, false]);
  });

  test('that ignores SIGTERM is killed with its children', { timeout: deadlineMs }, async () => {
    const { pids, run } = abortedAtFirstLine('trap "" TERM; sleep 60 & echo $$ $!; wait');
    await assert.rejects(run, coded('BERTH_INTERRUPTED', /./));
    assert.deepEqual(pids.map(isRunning), [false, false]);
  });

  test('is waited for until what it left in the background closes its output', async () => {
    // In the subshell, too, $$ is the program that runCommand has started.
    const later = '(while kill -0 $$; do sleep 0.1; done 2>/dev/null; echo late) & echo begun';
    const { stdout } = await runCommand(['sh', '-c', later], { deadlineMs });
    assert.equal(stdout, 'begun\nlate\n');
  });

  test('that writes without end is stopped', async () => {
    const run = runCommand(['cat', '/dev/zero'], { deadlineMs });
    const limit = new RegExp(`limit of ${COMMAND_OUTPUT_BYTES_MAX}`);
    await assert.rejects(run, coded('BERTH_TOO_LARGE', limit));
  });

  test('is not begun when it is aborted already', async () => {
    const run = runCommand(['true'], { deadlineMs, signal: AbortSignal.abort() });
    await assert.rejects(run, coded('BERTH_INTERRUPTED', /true/));
  });
});
