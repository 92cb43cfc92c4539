import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { problemOf } from '../../src/api/problem.ts';
import { berthError } from '../../src/base/errors.ts';
import { ApiServer } from './api-server.ts';
import { runLine } from './run-line.ts';
import { vmResource } from './world.ts';

const ROUTES = { 'GET /api/v1/vms/hello': () => vmResource({ name: 'hello' }) };

/** A terminal's keyboard that notes how raw mode was switched. */
class Keyboard extends PassThrough {
  readonly isTTY = true;
  readonly raw: boolean[] = [];

  setRawMode(on: boolean): this {
    this.raw.push(on);
    return this;
  }
}

test('lines from a pipe reach the guest as typed, and its answer is printed', async () => {
  await using server = await ApiServer.start(ROUTES);
  server.onConsole = (socket) => {
    socket.on('message', (data: Buffer) =>
      socket.send(Buffer.from(`${data.toString()}\nLinux hello 6.1\r\n`)),
    );
  };
  const ran = await runLine(['vm', 'console', 'hello'], {
    socket: server.socket,
    stdin: 'uname -a\n',
  });
  assert.deepEqual(ran, { status: 0, stdout: 'uname -a\r\nLinux hello 6.1\r\n', stderr: '' });
});

test('--until ends as soon as the text has come, even in two pieces', async () => {
  await using server = await ApiServer.start(ROUTES);
  server.onConsole = (socket) => {
    socket.send(Buffer.from('booting\nlog'));
    socket.send(Buffer.from('in:'));
  };
  const argv = ['vm', 'console', 'hello', '--until', 'login:', '--json'];
  const ran = await runLine(argv, { socket: server.socket });
  assert.equal(ran.status, 0);
  assert.deepEqual(JSON.parse(ran.stdout), { vm: 'hello', output: 'booting\nlogin:' });
});

test('--until that never comes is a failure that says how long it waited', async () => {
  await using server = await ApiServer.start(ROUTES);
  server.onConsole = (socket) => socket.send(Buffer.from('kernel panic'));
  const argv = ['vm', 'console', 'hello', '--until', 'login:', '--timeout', '0'];
  const ran = await runLine(argv, { socket: server.socket });
  assert.equal(ran.status, 1);
  assert.match(ran.stderr, /"login:" on the console of hello did not happen within 0 ms/);
});

test('on a terminal keys go through raw, Ctrl+] leaves, and the terminal is given back', async () => {
  await using server = await ApiServer.start(ROUTES);
  const keyboard = new Keyboard();
  const typed = Promise.withResolvers<string>();
  server.onConsole = (socket) => {
    socket.on('message', (data: Buffer) => {
      typed.resolve(data.toString());
      keyboard.write(Buffer.from([0x1d]));
    });
    keyboard.write('ls\r\u0003');
  };
  const ran = await runLine(['vm', 'console', 'hello'], {
    socket: server.socket,
    input: keyboard,
    terminal: 80,
  });
  assert.equal(await typed.promise, 'ls\r\u0003');
  assert.equal(ran.status, 0);
  assert.match(ran.stderr, /^connecting to hello; Ctrl\+\] leaves\n/);
  assert.deepEqual(keyboard.raw, [true, false]);
});

test('keys typed before Ctrl+] in one piece still reach the guest', async () => {
  await using server = await ApiServer.start(ROUTES);
  const keyboard = new Keyboard();
  const received = Promise.withResolvers<string>();
  server.onConsole = (socket) => {
    socket.on('message', (data: Buffer) => received.resolve(data.toString()));
    keyboard.write('exit\r\u001dlost');
  };
  await runLine(['vm', 'console', 'hello'], {
    socket: server.socket,
    input: keyboard,
    terminal: 80,
  });
  assert.equal(await received.promise, 'exit\r');
});

const BUSY = problemOf(berthError('BERTH_BUSY', { what: 'the console', holder: 'pid 7 has it' }));

for (const [how, reason] of [
  ['a short document', JSON.stringify({ code: BUSY.code, detail: BUSY.detail })],
  ['a whole problem document, cut off', JSON.stringify(BUSY).slice(0, 123)],
  ['plain text', BUSY.detail],
] as const) {
  test(`a console in use names --force when the server says so by ${how}`, async () => {
    await using server = await ApiServer.start(ROUTES);
    const keyboard = new Keyboard();
    server.onConsole = (socket) => socket.close(4000, reason);
    const ran = await runLine(['vm', 'console', 'hello'], {
      socket: server.socket,
      input: keyboard,
      terminal: 80,
    });
    assert.equal(ran.status, 4);
    assert.match(ran.stderr, /\nberth: the console of hello/);
    assert.match(ran.stderr, /--force/);
    assert.equal(keyboard.raw.at(-1), false);
  });
}

for (const [code, status, says] of [
  ['BERTH_LIBVIRT_REFUSED', 1, /the console of hello failed at "opening it": libvirt answered/],
  ['BERTH_HOST_UNREACHABLE', 5, /the connection to the console of hello is closed: A host does/],
  ['BERTH_CONFLICT', 4, /the console of hello: What was asked contradicts/],
] as const) {
  test(`a refusal of which only the code ${code} came through keeps its exit code`, async () => {
    await using server = await ApiServer.start(ROUTES);
    server.onConsole = (socket) => socket.close(4000, JSON.stringify({ code }));
    const ran = await runLine(['vm', 'console', 'hello'], { socket: server.socket });
    assert.equal(ran.status, status);
    assert.match(ran.stderr, says);
  });
}

test('a console refused with an HTTP problem reports that problem', async () => {
  await using server = await ApiServer.start(ROUTES);
  server.consoleRefusal = berthError('BERTH_PERMISSION', {
    what: 'hello',
    reason: 'not yours',
    remedy: 'ask its owner',
  });
  const ran = await runLine(['vm', 'console', 'hello'], { socket: server.socket });
  assert.equal(ran.status, 1);
  assert.equal(ran.stderr, 'berth: no permission for hello: not yours\n  ask its owner\n');
});

test('a console of a VM that is off says how to start it', async () => {
  await using server = await ApiServer.start({
    'GET /api/v1/vms/hello': () => vmResource({ name: 'hello', state: 'shutoff' }),
  });
  const ran = await runLine(['vm', 'console', 'hello'], { socket: server.socket });
  assert.equal(ran.status, 4);
  assert.equal(
    ran.stderr,
    'berth: the console of hello: the VM is shutoff\n  start it with: berth vm start hello\n',
  );
});

test('a console of a VM that is not there suggests the one that was meant', async () => {
  const data = { kind: 'VM', name: 'helo', known: ['hello'] };
  await using server = await ApiServer.start({
    'GET /api/v1/vms/helo': () => {
      throw berthError('BERTH_NOT_FOUND', data);
    },
  });
  const ran = await runLine(['vm', 'console', 'helo'], { socket: server.socket });
  assert.equal(ran.status, 3);
  assert.match(ran.stderr, /no VM named "helo"\n {2}did you mean "hello"\?/);
});

test('a server that vanishes ends the console with exit code 5 and the terminal restored', async () => {
  await using server = await ApiServer.start(ROUTES);
  const keyboard = new Keyboard();
  server.onConsole = (socket) => socket.terminate();
  const ran = await runLine(['vm', 'console', 'hello'], {
    socket: server.socket,
    input: keyboard,
    terminal: 80,
  });
  assert.equal(ran.status, 5);
  assert.match(ran.stderr, /the connection to the console of hello is closed/);
  assert.equal(keyboard.raw.at(-1), false);
});

test('a console without any server says to run up', async () => {
  const ran = await runLine(['vm', 'console', 'hello'], { socket: '/nonexistent/api.sock' });
  assert.equal(ran.status, 5);
  assert.match(
    ran.stderr,
    /the Berth server does not answer .*: no server is running\n {2}start it with: berth up/,
  );
});

test('an ended guest closes the console quietly', async () => {
  await using server = await ApiServer.start(ROUTES);
  const keyboard = new Keyboard();
  const ran = await runLine(['vm', 'console', 'hello'], {
    socket: server.socket,
    input: keyboard,
    terminal: 80,
  });
  assert.equal(ran.status, 0);
  assert.deepEqual(keyboard.raw, [true, false]);
});

test('the signal to stop ends the console and restores the terminal', async () => {
  await using server = await ApiServer.start(ROUTES);
  const keyboard = new Keyboard();
  const stop = new AbortController();
  server.onConsole = () => stop.abort();
  const ran = await runLine(['vm', 'console', 'hello'], {
    socket: server.socket,
    input: keyboard,
    terminal: 80,
    signal: stop.signal,
  });
  assert.equal(ran.status, 130);
  assert.deepEqual(keyboard.raw, [true, false]);
});

test('--force is passed on to the server', async () => {
  await using server = await ApiServer.start(ROUTES);
  const asked = Promise.withResolvers<string | null>();
  server.onConsole = (socket, query) => {
    asked.resolve(query.get('force'));
    socket.close(1000);
  };
  await runLine(['vm', 'console', 'hello', '--force'], { socket: server.socket });
  assert.equal(await asked.promise, 'true');
});

test('--json at a terminal is refused before anything is opened', async () => {
  const keyboard = new Keyboard();
  const ran = await runLine(['vm', 'console', 'hello', '--json'], {
    socket: '/nonexistent/api.sock',
    input: keyboard,
    terminal: 80,
  });
  assert.equal(ran.status, 2);
  assert.deepEqual(keyboard.raw, []);
});

test('a large answer is printed whole', async () => {
  await using server = await ApiServer.start(ROUTES);
  const piece = Buffer.alloc(64 * 1024, 'x');
  server.onConsole = (socket) => {
    socket.once('message', () => {
      for (let count = 0; count < 64; count++) socket.send(piece);
      socket.send(Buffer.from('END'));
      socket.close(1000);
    });
  };
  const ran = await runLine(['vm', 'console', 'hello'], { socket: server.socket, stdin: 'dump\n' });
  assert.equal(ran.stdout.length, 64 * piece.length + 3);
  assert.ok(ran.stdout.endsWith('END'));
});

test('a reader who leaves ends the console quietly', async () => {
  await using server = await ApiServer.start(ROUTES);
  server.onConsole = (socket) => socket.send(Buffer.from('hello'));
  const gone = new PassThrough();
  gone.destroy();
  await once(gone, 'close');
  const ran = await runLine(['vm', 'console', 'hello'], { socket: server.socket, stdout: gone });
  assert.deepEqual(ran, { status: 0, stdout: '', stderr: '' });
});
