import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { berthError } from '../../../src/base/errors.ts';
import { systemClock } from '../../../src/libvirt/rpc/clock.ts';
import { SshChild } from '../../../src/libvirt/transport/ssh-child.ts';
import { SshStream } from '../../../src/libvirt/transport/ssh-stream.ts';

test('a pipe that breaks before ssh has said why is told by what ssh says at its end', async () => {
  const closesItsInput = 'exec 0<&-; echo ready; sleep 0.3; echo no daemon there >&2; exit 1';
  const child = new SshChild('/bin/sh', ['-c', closesItsInput], systemClock);
  await once(child.output, 'readable');
  const stream = new SshStream({
    child,
    input: child.input,
    output: child.output,
    clock: systemClock,
    reason: ({ stderr }) => berthError('BERTH_CONNECTION_CLOSED', { where: 'far', reason: stderr }),
  });
  stream.write('a call');
  const [error] = (await once(stream, 'error')) as [Error];
  assert.match(error.message, /no daemon there/);
});
