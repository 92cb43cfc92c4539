import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { PassThrough, Writable } from 'node:stream';
import { berthError } from '../../src/base/errors.ts';
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

test('a server that ends in the middle leaves an operation that it takes up again, and that is said', async () => {
  const server = await ApiServer.start({
    ...fleetRoutes(),
    'GET /api/v1/operations/7': () => {
      setImmediate(() => void server[Symbol.asyncDispose]());
      return new Promise(() => {});
    },
  });
  const ran = await runLine(['vm', 'stop', 'db1'], { socket: server.socket });
  assert.equal(ran.status, 5);
  assert.match(ran.stderr, /stop db1 is finished or taken back when the server runs again/);
});

test('Ctrl-C between the VMs of a file makes no more, and says which are made', async () => {
  const stop = new AbortController();
  await using server = await ApiServer.start({
    ...fleetRoutes(),
    'POST /api/v1/vms': () => {
      stop.abort(); // as early as can be: its answer is waited for all the same
      return operation(6);
    },
  });
  const stdin = ['a', 'b', 'c']
    .map(
      (name) =>
        `{apiVersion: berth/v1, kind: VM, metadata: {name: ${name}}, spec: {memory: {size: 1GiB}}}`,
    )
    .join('\n---\n');
  const options = { socket: server.socket, stdin, signal: stop.signal };
  const ran = await runLine(['vm', 'create', '-f', '-', '--json'], options);
  assert.equal(ran.status, 130);
  assert.equal((JSON.parse(ran.stdout) as { vms: unknown[] }).vms.length, 1);
  assert.match(ran.stderr, /goes on in the server/);
  assert.match(ran.stderr, /stopped before b: 1 of 3 VMs are made\n$/);
  assert.equal(server.received.filter(({ route }) => route.startsWith('POST')).length, 1);
});

test('Ctrl-C before anything was asked for begins nothing', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const options = { socket: server.socket, signal: AbortSignal.abort() };
  const ran = await runLine(['vm', 'create', 'a', '--memory', '1GiB', '--json'], options);
  assert.equal(ran.status, 130);
  assert.equal((JSON.parse(ran.stdout) as { code: string }).code, 'BERTH_INTERRUPTED');
  assert.deepEqual(server.received, []);
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

test('an answer that finds no space on the disk is a failure that says so', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  for (const json of [[], ['--json']]) {
    const full = new Writable({
      write: (_chunk, _encoding, done) => {
        done(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
      },
    });
    const ran = await runLine(['vm', 'ls', ...json], { socket: server.socket, stdout: full });
    assert.equal(ran.status, 1);
    assert.match(ran.stderr, /^berth: no space left for the answer in the file it is written to\n/);
  }
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

test('an operation that failed without a coded error names its step', async () => {
  const failed = operation(3, { state: 'failed', host: undefined });
  await using server = await ApiServer.start({ 'POST /api/v1/vms/db1/stop': () => failed });
  const ran = await runLine(['vm', 'stop', 'db1'], { socket: server.socket });
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /^berth: create db1 failed at "start the domain": .*\n {2}some of it/);
});

test('operations are listed by the beginnings of their ids, and found by them', async () => {
  const [one, two] = ['0a1b2c3d-1111', '0a1b2c3e-2222'].map((id) => ({ ...operation(2), id }));
  await using server = await ApiServer.start({
    'GET /api/v1/operations': () => ({ operations: [one, two] }),
  });
  const show = async (id: string): Promise<number> =>
    (await runLine(['operation', 'show', id], server)).status;
  assert.match((await runLine(['operation', 'ls'], server)).stdout, /\n0a1b2c3d {2}create/);
  assert.deepEqual(
    [await show('0a1b2c3d'), await show('0a1b2c3e-2222'), await show('0a1b2c3'), await show('1')],
    [0, 0, 2, 3],
  );
});

test('rm asks at the terminal, and does nothing without a clear yes', async () => {
  for (const [answer, removed] of [
    ['yes', true],
    ['yup', false],
  ] as const) {
    await using server = await ApiServer.start(fleetRoutes());
    const keyboard = Object.assign(new PassThrough(), { isTTY: true });
    const ran = await runLine(['vm', 'rm', 'db1'], {
      socket: server.socket,
      input: keyboard,
      terminal: 80,
      onStderr: (text) => {
        if (text.endsWith('[y/N] ')) keyboard.write(`${answer}\n`);
      },
    });
    assert.equal(ran.status, removed ? 0 : 1);
    const deleted = server.received.some(({ route }) => route === 'DELETE /api/v1/vms/db1');
    assert.equal(deleted, removed);
  }
});

test('what is asked of the server is what was typed', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const { socket } = server;
  const spec = await runLine(['vm', 'create', 'db1', '--memory', '1GiB', '--print-spec'], {
    socket,
  });
  await runLine(['vm', 'create', '-f', '-', '--no-start'], { socket, stdin: spec.stdout });
  await runLine(['vm', 'stop', 'db1', '--force'], { socket });
  await runLine(['vm', 'rm', 'db1', '--yes', '--force'], { socket });
  const [create, stop, remove] = server.received.filter(({ route }) => !route.startsWith('GET'));
  assert.equal(create?.query.get('start'), 'false');
  assert.deepEqual(create?.body, {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name: 'db1' },
    spec: { memory: { size: '1GiB' } },
  });
  assert.equal(stop?.query.get('force'), 'true');
  assert.equal(remove?.query.get('force'), 'true');
});

test('an endless standard input is refused at its limit', async () => {
  const endless = 'x'.repeat(5 * 1024 * 1024);
  const ran = await runLine(['plan', '-f', '-'], { socket: '/nonexistent', stdin: endless });
  assert.equal(ran.status, 2);
  assert.match(ran.stderr, /standard input is \d+, more than the limit of 4194304/);
});

test('an endless file is refused at its limit', async () => {
  const ran = await runLine(['plan', '-f', '/dev/zero'], { socket: '/nonexistent' });
  assert.equal(ran.status, 2);
  assert.match(ran.stderr, /\/dev\/zero is \d+, more than the limit of 4194304/);
});

test('vm show goes without its drawing when the host does not answer', async () => {
  const lost = berthError('BERTH_HOST_UNREACHABLE', { host: 'kvm1', uri: 'x', reason: 'gone' });
  await using server = await ApiServer.start({
    ...fleetRoutes(),
    'GET /api/v1/hosts/kvm1': () => {
      throw lost;
    },
  });
  const ran = await runLine(['vm', 'show', 'db1'], { socket: server.socket });
  assert.equal(ran.status, 0);
  assert.match(ran.stdout, /where it sits\n {2}cell 0\n/);
});

test('several VMs in a file are answered as one document', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const one = (await runLine(['vm', 'create', 'a', '--memory', '1GiB', '--print-spec'], server))
    .stdout;
  const stdin = `${one}---\n${one.replace('name: a', 'name: b')}`;
  const plans = await runLine(['plan', '-f', '-', '--json'], { socket: server.socket, stdin });
  const document = JSON.parse(plans.stdout) as { vms: { vm: string }[] };
  assert.deepEqual(
    document.vms.map(({ vm }) => vm),
    ['a', 'b'],
  );
  const made = await runLine(['vm', 'create', '-f', '-', '--json'], {
    socket: server.socket,
    stdin,
  });
  assert.equal((JSON.parse(made.stdout) as { vms: unknown[] }).vms.length, 2);
});
