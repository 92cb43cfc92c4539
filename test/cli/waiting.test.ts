import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { PassThrough } from 'node:stream';
import { ApiServer } from './api-server.ts';
import { runLine } from './run-line.ts';
import { fleetRoutes, operation } from './world.ts';

test('on a terminal the steps move in one line, which is gone before the answer', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const ran = await runLine(['vm', 'stop', 'db1'], { socket: server.socket, terminal: 80 });
  const moved = ran.stderr.split('\r\u001b[2K');
  assert.deepEqual(moved, [
    '',
    'stop db1  [----------] 1/6 claim',
    'create db1  [###-------] 3/6 define',
    'create db1  [#######---] 5/6 verify',
    'create db1  [##########] 6/6',
    '',
  ]);
  assert.equal(ran.stdout, 'db1 is running on kvm1\n');
});

test('a narrow terminal cuts the line instead of breaking it', async () => {
  const tail = 'x'.repeat(100);
  const steps = operation(0).steps.map((step) => step + tail);
  await using server = await ApiServer.start({
    ...fleetRoutes(),
    'POST /api/v1/vms/db1/stop': () => operation(0, { steps }),
  });
  const ran = await runLine(['vm', 'stop', 'db1'], { socket: server.socket, terminal: 60 });
  for (const line of ran.stderr.split('\r\u001b[2K')) assert.ok(line.length < 60, line);
});

test('under --json the steps stay off standard output', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const ran = await runLine(['vm', 'stop', 'db1', '--json'], { socket: server.socket });
  const vm = JSON.parse(ran.stdout) as { name: string; placement: object };
  assert.equal(vm.name, 'db1');
  assert.match(ran.stderr, /stop db1 {2}1\/6 claim\n/);
});

test('the first Ctrl-C says that the operation goes on, the second ends the waiting', async () => {
  await using server = await ApiServer.start({
    ...fleetRoutes(),
    'GET /api/v1/operations/7': () => new Promise(() => {}),
  });
  const [first, second] = [new AbortController(), new AbortController()];
  const ran = await runLine(['vm', 'stop', 'db1', '--json'], {
    socket: server.socket,
    signal: first.signal,
    leave: second.signal,
    onStderr: (text) => {
      if (text.includes('claim')) setImmediate(() => first.abort());
      if (text.includes('Ctrl-C again')) setImmediate(() => second.abort());
    },
  });
  assert.equal(ran.status, 130);
  assert.match(ran.stderr, /goes on in the server; look at it with: berth operation show 7/);
  assert.equal((JSON.parse(ran.stdout) as { id: string }).id, '7');
});

test('an operation that ends after the first Ctrl-C is still answered', async () => {
  const stop = new AbortController();
  const last = Promise.withResolvers<unknown>();
  await using server = await ApiServer.start({
    ...fleetRoutes(),
    'GET /api/v1/operations/7': () => last.promise,
  });
  const ran = await runLine(['vm', 'stop', 'db1'], {
    socket: server.socket,
    signal: stop.signal,
    onStderr: (text) => {
      if (text.includes('claim')) setImmediate(() => stop.abort());
      if (text.includes('Ctrl-C again')) last.resolve(operation(6));
    },
  });
  assert.equal(ran.status, 0);
  assert.equal(ran.stdout, 'db1 is running on kvm1\n');
});

test('Ctrl-C during a plain request ends with 130', async () => {
  const stop = new AbortController();
  await using server = await ApiServer.start({
    'GET /api/v1/vms': () => {
      stop.abort();
      return new Promise(() => {});
    },
  });
  const ran = await runLine(['vm', 'ls'], { socket: server.socket, signal: stop.signal });
  assert.equal(ran.status, 130);
  assert.match(ran.stderr, /^berth: the command was interrupted/);
});

test('a reader who has gone ends a command quietly', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const gone = new PassThrough();
  gone.destroy();
  await once(gone, 'close');
  const ran = await runLine(['vm', 'ls'], { socket: server.socket, stdout: gone });
  assert.deepEqual(ran, { status: 0, stdout: '', stderr: '' });
});

test('without a server every command says where it looked and what to do', async () => {
  const ran = await runLine(['vm', 'ls'], { socket: '/nonexistent/api.sock' });
  assert.equal(ran.status, 5);
  assert.equal(
    ran.stderr,
    'berth: the Berth server does not answer at /nonexistent/api.sock: no server is running\n' +
      '  start it with: berth up\n',
  );
});

test('a defect shows no stack trace unless BERTH_DEBUG asks for one', async () => {
  const broken = { up: () => Promise.reject(new TypeError('x is not a function')) };
  const options = { socket: '/nonexistent/api.sock', local: broken };
  const plain = await runLine(['up', '--yes'], options);
  assert.equal(plain.status, 1);
  assert.equal(plain.stderr.split('\n').length, 3);
  assert.match(plain.stderr, /^berth: this is a defect in Berth: .*x is not a function/);
  const debug = await runLine(['up', '--yes'], { ...options, env: { BERTH_DEBUG: '1' } });
  assert.match(debug.stderr, /\n {4}at /);
});
