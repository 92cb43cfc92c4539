import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';
import { Session } from '../../src/cli/session.ts';
import type { CliPorts } from '../../src/cli/ports.ts';
import { PassThrough } from 'node:stream';
import { runLine } from './run-line.ts';

const NOWHERE = { socket: '/nonexistent' };

test('every command takes --json, says what it does, and shows examples that parse', async () => {
  // Only what building the tree of commands touches.
  const ports = { stdout: new PassThrough(), stderr: new PassThrough(), env: {}, version: '0' };
  const session = new Session(ports as unknown as CliPorts, { json: false });
  const program = await buildProgram(session, () => {});
  const leaves = leavesOf(program, []);
  assert.ok(leaves.length >= 20);
  for (const { command, words } of leaves) {
    const line = words.join(' ');
    assert.ok(
      command.options.some((option) => option.long === '--json'),
      `${line} has --json`,
    );
    assert.match(command.description(), /^[A-Z].*[^.]$/, line);
    const { status, stdout } = await runLine([...words, '--help'], NOWHERE);
    assert.equal(status, 0);
    const examples = [...stdout.matchAll(/^ {2}\$ (.*?) +# /gm)].map((match) => match[1] ?? '');
    assert.ok(examples.length > 0, `${line} has examples`);
    for (const example of examples) {
      assert.ok(example.includes(`berth ${line}`), `${example} is about ${line}`);
    }
  }
});

test('no words at all show the help, and so does --help', async () => {
  const bare = await runLine([], NOWHERE);
  assert.equal(bare.status, 0);
  assert.match(bare.stdout, /^Usage: berth/);
  assert.deepEqual(await runLine(['--help'], NOWHERE), bare);
  assert.doesNotMatch(bare.stdout, /__complete/);
  const word = await runLine(['help', 'vm'], NOWHERE);
  assert.equal(word.status, 0);
  assert.match(word.stdout, /^Usage: berth vm/);
});

test('--version answers alone', async () => {
  assert.deepEqual(await runLine(['--version'], NOWHERE), {
    status: 0,
    stdout: '0.1.0\n',
    stderr: '',
  });
  const { stdout } = await runLine(['--version', '--json'], NOWHERE);
  assert.deepEqual(JSON.parse(stdout), { version: '0.1.0' });
});

function leavesOf(
  command: Command,
  words: readonly string[],
): readonly { readonly command: Command; readonly words: readonly string[] }[] {
  const shown = command.commands.filter((one) => !one.name().startsWith('__'));
  if (shown.length === 0) return [{ command, words }];
  return shown.flatMap((one) => leavesOf(one, [...words, one.name()]));
}
