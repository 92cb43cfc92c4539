import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isBerthError, type ErrorCode } from '../../../src/base/errors.ts';
import { COMMAND_OUTPUT_BYTES_MAX, runCommand } from '../../../src/lab/system/run-command.ts';

const deadlineMs = 20_000;

function coded(code: ErrorCode, text: RegExp): (error: unknown) => boolean {
  return (error) => isBerthError(error, code) && text.test(error.message);
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

  test('ends with its children on abort and at its deadline', async () => {
    const aborter = new AbortController();
    const script = 'sleep 60 & echo begun; wait';
    const run = runCommand(['sh', '-c', script], {
      deadlineMs,
      signal: aborter.signal,
      onLine: () => aborter.abort(),
    });
    await assert.rejects(run, coded('BERTH_INTERRUPTED', /sh was interrupted/));
    const late = runCommand(['sh', '-c', 'sleep 60'], { deadlineMs: 50 });
    await assert.rejects(late, coded('BERTH_DEADLINE', /within 50 ms/));
  });

  test('that ignores SIGTERM is killed', async () => {
    const argv = ['sh', '-c', 'trap "" TERM; echo deaf; while :; do sleep 1; done'] as const;
    const aborter = new AbortController();
    const run = runCommand(argv, {
      deadlineMs,
      signal: aborter.signal,
      onLine: () => aborter.abort(),
    });
    await assert.rejects(run, coded('BERTH_INTERRUPTED', /./));
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
