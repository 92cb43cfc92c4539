import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { isChosen, parseChoice } from '../../scripts/test-choice.ts';

/** A checkout with tests of its own, run by this one's scripts. */
const folder = mkdtempSync(join(tmpdir(), 'berth-runner-'));
after(() => rmSync(folder, { recursive: true }));
cpSync('scripts', join(folder, 'scripts'), { recursive: true });
cpSync('package.json', join(folder, 'package.json'));
for (const name of ['node_modules', 'src']) symlinkSync(resolve(name), join(folder, name));

const PASSES = `import { test } from 'node:test'; test('passes', () => {});`;
const SKIPS = `import { test } from 'node:test'; test('skips', { skip: 'needs: luck' }, () => {});`;

function write(files: Readonly<Record<string, string>>): void {
  rmSync(join(folder, 'test'), { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, 'test', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

const { CI: _, NODE_TEST_CONTEXT: __, ...OUTER } = process.env;

function runnerWords(words: readonly string[]): readonly string[] {
  const script = join('scripts', 'run-tests.ts');
  return ['--disable-warning=ExperimentalWarning', script, '--no-install', ...words];
}

function run(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const options = { cwd: folder, encoding: 'utf8', env: { ...OUTER, ...env } } as const;
  const { status, stdout } = spawnSync(process.execPath, runnerWords(words), options);
  return { status, stdout, last: stdout.trimEnd().split('\n').at(-1) };
}

test('the quick tier leaves long tests to the other, and both end with the counts', () => {
  write({ 'lab/a.test.ts': PASSES, 'lab/b.long.test.ts': PASSES + PASSES.slice(33) });
  assert.equal(run(['lab']).last, '1 passed, 0 failed');
  assert.equal(run(['--all', '--beyond', 'lab']).last, '2 passed, 0 failed');
  const all = run(['--all', 'lab']);
  assert.equal(all.last, '3 passed, 0 failed');
  assert.match(all.stdout, /\[2\/2\] test\/lab\/b\.long\.test\.ts: ok/);
});

test('in CI a listed test that skips fails the run of its tier, elsewhere it is told', () => {
  const listed = JSON.stringify(['test/lab/a.test.ts', 'test/lab/b.long.test.ts']);
  write({ 'may-not-skip.json': listed, 'lab/a.test.ts': PASSES + SKIPS.slice(33) });
  const here = run(['lab']);
  assert.equal(here.status, 0);
  assert.match(here.stdout, /skipped: test\/lab\/a\.test\.ts: skips \(needs: luck\)/);
  const ci = run(['lab'], { CI: '1' });
  assert.equal(ci.status, 1);
  assert.equal(ci.last, '1 passed, 1 failed');
  assert.match(ci.stdout, /may not be skipped \(needs: luck\)/);
  assert.doesNotMatch(ci.stdout, /b\.long/, 'the other tier answers for its own');
  assert.match(run(['--beyond', 'lab'], { CI: '1' }).stdout, /b\.long\.test\.ts: did not run/);
});

test('a file that ends before its tests do, or cannot be loaded, fails the run', () => {
  write({
    'lab/a.test.ts': `${PASSES} process.exit(3);`,
    'lab/b.test.ts': 'import "./absent.ts";',
  });
  const { status, last } = run(['lab']);
  assert.equal(status, 1);
  assert.match(last ?? '', /^\d passed, 2 failed$/);
});

test('properties are tried again with the seed that is given, and a failure tells it', () => {
  const property = (holds: string): string => `import { test } from 'node:test';
    import fc from 'fast-check';
    test('holds', () => { fc.assert(fc.property(fc.integer(), (value) => ${holds})); });`;
  write({ 'base/a.test.ts': property('true'), 'base/b.test.ts': PASSES });
  assert.equal(run(['--seed', '7', 'base']).last, '1 passed, 0 failed');
  write({ 'base/a.test.ts': property('value < 1000') });
  const { status, stdout } = run(['--seed', '7', 'base']);
  assert.equal(status, 1);
  assert.match(stdout, /npm run test:all -- --seed 7/);
  assert.match(stdout, /seed: 7\b/);
});

/** Waits for as many test files to say hello, which last until their sockets are closed. */
async function hellos(server: Server, count: number): Promise<readonly Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const [socket] = (await once(server, 'connection')) as [Socket];
    sockets.push(socket.on('error', () => {}).resume());
  }
  return sockets;
}

/** What still runs in the checkout. */
function processesThere(): readonly string[] {
  return globSync('/proc/[0-9]*/cwd').filter((cwd) => {
    try {
      return readlinkSync(cwd) === folder;
    } catch {
      return false; // ended meanwhile, or is somebody else's
    }
  });
}

test('a run that is told to end begins nothing more', { timeout: 60_000 }, async (t) => {
  const path = join(folder, 'hello.sock');
  const server = createServer().listen(path);
  t.after(() => server.close());
  const lasts = `import { test } from 'node:test'; import { connect } from 'node:net';
    test('lasts', async () => {
      await new Promise((resolve) => connect(${JSON.stringify(path)}).on('close', resolve));
    });`;
  const deaf = `process.on('SIGTERM', () => {}); ${lasts}`;
  write({ 'lab/a.test.ts': lasts, 'lab/b.test.ts': deaf, 'lab/c.test.ts': lasts });
  const both = hellos(server, 2);
  const runner = spawn(process.execPath, runnerWords(['lab']), {
    cwd: folder,
    env: OUTER,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(runner, 'exit');
  const sockets = await both;
  runner.kill('SIGTERM');
  // There is room for the third as soon as the first has ended, while the second is waited for.
  await Promise.race(sockets.map(async (socket) => once(socket, 'close')));
  for (const socket of sockets) socket.destroy();
  assert.deepEqual(await ended, [null, 'SIGTERM']);
  assert.deepEqual(processesThere(), []);
});

test('words choose rooms, folders and files, however they are written', () => {
  const places = (...words: string[]) => parseChoice(words)?.places ?? [];
  const lab = { places: places('lab/machine/', 'test/server/life-cycle.test.ts') };
  assert.ok(isChosen('test/lab/machine/shape.test.ts', lab));
  assert.ok(isChosen('test/server/life-cycle.test.ts', lab));
  assert.ok(!isChosen('test/lab/machines/shape.test.ts', lab));
  assert.ok(!isChosen('test/server/life.test.ts', lab));
  assert.ok(isChosen('test/tidy.test.ts', { places: places('tidy') }));
  assert.ok(isChosen('test/tidy.test.ts', { places: places() }));
});

test('words that cannot be understood are refused with the usage', () => {
  for (const words of [['--al'], ['--seed'], ['--seed', 'x'], ['--seed', '1.5']]) {
    assert.equal(parseChoice(words), undefined, words.join(' '));
  }
  const { status, last } = run(['--al']);
  assert.equal(status, 2);
  assert.equal(last, '');
});
