import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berthError } from '../../src/base/errors.ts';
import { Undo } from '../../src/base/undo.ts';
import { codedError, failureLines } from '../../src/cli/failure.ts';
import type { Look } from '../../src/cli/look.ts';

const PLAIN: Look = { columns: 80, colours: 0, unicode: true, live: false };

test('commands in a hint are spelled as the program was called', () => {
  const error = berthError('BERTH_SERVER_UNREACHABLE', { socket: '/s', reason: 'gone' });
  assert.deepEqual(failureLines(error, PLAIN, './berth'), [
    'berth: the Berth server does not answer at /s: gone',
    '  start it with: ./berth up',
  ]);
  assert.match(failureLines(error, PLAIN)[1] ?? '', /with: berth up$/);
});

test('words that only look like a command stay as they are', () => {
  const name = 'berth up';
  const error = berthError('BERTH_BUSY', { what: name, holder: 'process 7' });
  assert.equal(failureLines(error, PLAIN, './berth')[0], 'berth: berth up is busy: process 7');
});

test('a cause is told once, and never as several lines', () => {
  const cause = new Error('no route\nto host');
  const data = { host: 'h1', uri: 'qemu:///system', reason: 'it is away' };
  const error = berthError('BERTH_HOST_UNREACHABLE', data, { cause });
  assert.match(failureLines(error, PLAIN)[0] ?? '', /it is away: no route to host$/);
});

test('work that cannot be taken back fails with its own code, and tells the rest', async () => {
  const full = { cause: new Error('write: no space') };
  const work = async (): Promise<void> => {
    await using undo = new Undo();
    undo.add('remove the bridge', () => {
      throw new Error('it is busy');
    });
    undo.add('remove the file', () => {
      throw new Error('it is gone');
    });
    throw berthError(
      'BERTH_HOST_UNREACHABLE',
      { host: 'h1', uri: 'qemu:///x', reason: 'away' },
      full,
    );
  };
  const error = codedError(await work().catch((thrown: unknown) => thrown));
  assert.deepEqual([error.code, error.exit], ['BERTH_HOST_UNREACHABLE', 5]);
  const [line = ''] = failureLines(error, PLAIN);
  assert.match(line, /away: write: no space: taking work back failed: /);
  assert.match(
    line,
    /could not remove the file: it is gone; could not remove the bridge: it is busy$/,
  );
});
