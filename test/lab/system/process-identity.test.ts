import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  identifyProcess,
  isRunning,
  killProcess,
  parseProcessStat,
} from '../../../src/lab/system/process-identity.ts';
import { present } from '../../../src/base/assert.ts';

describe('the identity of a process', () => {
  test('is read past a name with brackets and spaces', () => {
    const rest = 'S 1 2 3 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 987654 1 2 3';
    const stat = parseProcessStat(`42 (odd) name) ${rest}`);
    assert.deepEqual(stat, { startTicks: '987654', ended: false });
    assert.equal(parseProcessStat(`42 (x) Z${rest.slice(1)}`)?.ended, true);
    assert.equal(parseProcessStat(''), undefined);
  });

  test('keeps a process alive that only has the number of the one to be killed', async () => {
    const child = spawn('sleep', ['60']);
    const pid = present(child.pid, 'the pid of a child');
    const identity = present(await identifyProcess(pid), 'the identity of a child');
    const former = { ...identity, startTicks: '1' };
    assert.equal(await isRunning(former), false);
    await killProcess(former, 1_000);
    assert.equal(await isRunning(identity), true);
    const ended = once(child, 'exit');
    await killProcess(identity, 5_000);
    assert.equal(await isRunning(identity), false);
    assert.deepEqual(await ended, [null, 'SIGKILL']);
  });
});
