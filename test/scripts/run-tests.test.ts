import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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

function run(words: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const script = join('scripts', 'run-tests.ts');
  const { CI: _, NODE_TEST_CONTEXT: __, ...outer } = process.env;
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', script, '--no-install', ...words],
    { cwd: folder, encoding: 'utf8', env: { ...outer, ...env } },
  );
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
