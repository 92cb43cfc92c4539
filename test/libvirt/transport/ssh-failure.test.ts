import { test } from 'node:test';
import assert from 'node:assert/strict';
import { FarStatus } from '../../../src/libvirt/transport/far-side.ts';
import { sshFailure } from '../../../src/libvirt/transport/ssh-failure.ts';

const ATTEMPT = { host: 'h', program: 'ssh' };

test('what a login shell complains of comes after what was found there', () => {
  for (const [status, finding] of [
    [FarStatus.noSocket, 'there is no socket /run/libvirt/libvirt-sock'],
    [FarStatus.noPermission, '/run/libvirt/libvirt-sock is not for ops'],
  ] as const) {
    const end = { status, signal: undefined, isStopped: false };
    const noisy = { ...end, stderr: `pyenv: cannot rehash\nmanpath: no locale\n${finding}` };
    assert.match(
      sshFailure(ATTEMPT, noisy, false).message,
      new RegExp(
        `: ${finding}; the login there also said: pyenv: cannot rehash; manpath: no locale`,
      ),
    );
    const { message } = sshFailure(ATTEMPT, { ...end, stderr: finding }, false);
    assert.ok(message.endsWith(finding), message);
  }
});
