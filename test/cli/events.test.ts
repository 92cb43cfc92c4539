import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runLine } from './run-line.ts';

const AT = Date.UTC(2030, 0, 1, 12, 30, 15);
const EVENTS = [
  {
    kind: 'vm',
    at: AT,
    uuid: 'u',
    name: 'db\u001b1',
    host: 'h1',
    change: 'appeared',
    state: 'shutoff',
    labels: {},
  },
  { kind: 'weather', at: AT, sky: 'blue' },
  { kind: 'host', at: AT, name: 'h2', change: 'unreachable' },
  {
    kind: 'operation',
    at: AT,
    id: 'o',
    does: 'start',
    vm: 'db1',
    state: 'done',
    done: 3,
    steps: 3,
    revision: 4,
  },
  { kind: 'resync', at: AT, why: 'unknown' },
];

/** A server that tells the same events to everybody, two at a time. */
async function tellingServer() {
  const folder = await mkdtemp(join(tmpdir(), 'berth-events-'));
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${String(request.headers['last-event-id'] ?? '')}`.trim());
    const from = Number(request.headers['last-event-id'] ?? 0);
    const part = EVENTS.map((event, index) => ({ id: index + 1, event })).slice(from, from + 2);
    const text = part.map(({ id, event }) => `id: ${id}\ndata: ${JSON.stringify(event)}\n\n`);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(text.join(''));
  });
  const socket = join(folder, 'api.sock');
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}

test('events are told a line each, and the stream goes on where it broke off', async () => {
  await using server = await tellingServer();
  const line = ['events', '--host', 'h1', '-l', 'app=db', '--count', '4'];
  const { status, stdout } = await runLine(line, { socket: server.socket });
  assert.equal(status, 0);
  assert.deepEqual(stdout.split('\n'), [
    '12:30:15  vm db\\x1b1 appeared on h1: shutoff',
    '12:30:15  host h2 unreachable',
    '12:30:15  operation start db1: done, 3/3',
    '12:30:15  events may be missing here (the server was started again): list again',
    '',
  ]);
  const path = '/api/v1/events?host=h1&labels=app%3Ddb';
  assert.deepEqual(server.asked, [path, `${path} 2`, `${path} 4`]);
});

test('under --json each event is one line with its id, and a wrong count is refused', async () => {
  await using server = await tellingServer();
  const told = await runLine(['events', '--json', '--count', '2'], { socket: server.socket });
  const lines = told.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(lines, [
    { id: '1', event: EVENTS[0] },
    { id: '3', event: EVENTS[2] },
  ]);
  const wrong = await runLine(['events', '--count', '0'], { socket: server.socket });
  assert.equal(wrong.status, 2);
});
