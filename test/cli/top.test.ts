import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { Input } from '../../src/cli/ports.ts';
import { ApiServer } from './api-server.ts';
import { runLine } from './run-line.ts';
import { fleetRoutes } from './world.ts';

const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';

test('on a terminal it fills the screen, sorts by what is pressed, and gives the terminal back', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const { input, modes } = keyboard();
  const screen = watched((text) => {
    if (text.includes('sort by')) input.write(text.includes('off') ? 'q' : 'm');
    if (text.includes('MEMORY ▼')) input.write('q');
  });
  const ran = await runLine(['top'], { socket: server.socket, input, stdout: screen.stream });
  assert.equal(ran.status, 0);
  const text = screen.text();
  assert.ok(text.startsWith(ENTER));
  assert.ok(text.endsWith(LEAVE));
  assert.deepEqual(modes, [true, false]);
  const rows = new Set(server.received.map(({ query }) => query.get('limit')));
  assert.deepEqual([...rows], ['20'], 'as many as there is room for on 24 lines');
  assert.ok(!text.includes('off\u001B[2J'), 'a name moves no cursor');
});

test('Ctrl-C ends it, and a failure gives the terminal back as well', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const pressed = keyboard();
  const screen = watched(() => void pressed.input.write('\u0003'));
  const ran = await runLine(['top'], {
    socket: server.socket,
    input: pressed.input,
    stdout: screen.stream,
  });
  assert.equal(ran.status, 0);
  assert.deepEqual(pressed.modes, [true, false]);

  const lost = keyboard();
  const dark = watched(() => {});
  const failed = await runLine(['top'], {
    socket: '/nonexistent',
    input: lost.input,
    stdout: dark.stream,
  });
  assert.equal(failed.status, 5);
  assert.ok(dark.text().endsWith(LEAVE));
  assert.deepEqual(lost.modes, [true, false]);
});

test('--once prints one table on a terminal, too', async () => {
  await using server = await ApiServer.start(fleetRoutes());
  const { input } = keyboard();
  const ran = await runLine(['top', '--once'], { socket: server.socket, input, terminal: 100 });
  assert.equal(ran.status, 0);
  assert.match(ran.stdout, /^VM +HOST +STATE +CPU ▼/);
  assert.ok(!ran.stdout.includes(ENTER));
});

function keyboard(): { readonly input: Input & PassThrough; readonly modes: readonly boolean[] } {
  const modes: boolean[] = [];
  const setRawMode = (on: boolean): void => void modes.push(on);
  return { input: Object.assign(new PassThrough(), { isTTY: true, setRawMode }), modes };
}

/** A terminal of 24 lines, that tells what it has shown so far. */
function watched(onText: (text: string) => void) {
  let text = '';
  const stream = new PassThrough();
  stream.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    onText(piece);
  });
  return {
    stream: Object.assign(stream, { isTTY: true, columns: 100, rows: 24 }),
    text: () => text,
  };
}
