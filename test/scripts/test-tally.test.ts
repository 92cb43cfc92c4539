import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { TestTally } from '../../scripts/test-tally.ts';

const passed = (name: string) => ({ name, passed: true });
const skipped = (name: string, skip: string) => ({ name, passed: true, skip });

test('what passed and failed is counted in the last line, plainly', () => {
  const tally = new TestTally();
  tally.test('test/a.test.ts', passed('one'));
  tally.test('test/a.test.ts', { name: 'two', passed: false });
  tally.check('format', true);
  assert.equal(tally.lines.at(-1), '2 passed, 1 failed');
  assert.ok(tally.lines.includes('FAILED: test/a.test.ts: two'));
  assert.ok(!tally.isGood);
});

test('a run that tried nothing, or skipped everything, is no success', () => {
  const tally = new TestTally();
  assert.ok(!tally.isGood);
  tally.test('test/a.test.ts', skipped('one', 'needs: root'));
  assert.ok(!tally.isGood);
  assert.deepEqual(tally.lines, [
    'skipped: test/a.test.ts: one (needs: root)',
    '0 passed, 0 failed',
  ]);
});

test('a skip that names no need is a failure', () => {
  for (const reason of ['', 'flaky', 'needs: ', 'needs:']) {
    const tally = new TestTally();
    tally.test('test/a.test.ts', skipped('one', reason));
    assert.equal(tally.failed, 1, reason);
  }
});

test('a listed file may skip no test, and must run one', () => {
  const tally = new TestTally();
  tally.test('test/a.test.ts', passed('one'));
  tally.test('test/b.test.ts', passed('one'));
  tally.test('test/b.test.ts', skipped('two', 'needs: root'));
  tally.demand(['test/a.test.ts', 'test/b.test.ts', 'test/c.test.ts'], true);
  assert.equal(tally.failed, 2);
  const problems = tally.lines.filter((line) => line.startsWith('FAILED')).join('\n');
  assert.match(problems, /b\.test\.ts: two: may not be skipped \(needs: root\)/);
  assert.match(problems, /c\.test\.ts: did not run/);
});

test('of a file with a listed test the others may skip', () => {
  const entry = 'test/a.test.ts: one: with a colon';
  const tally = new TestTally();
  tally.test('test/a.test.ts', passed('one: with a colon'));
  tally.test('test/a.test.ts', skipped('two', 'needs: root'));
  tally.demand([entry], true);
  assert.equal(tally.failed, 0);
  tally.demand(['test/a.test.ts: another title'], true);
  assert.equal(tally.failed, 1);
});

test('every test that may not be skipped exists, and is listed once, in order', () => {
  const listed = JSON.parse(readFileSync('test/may-not-skip.json', 'utf8')) as string[];
  for (const entry of listed) {
    const [file = '', title] = entry.split(/: (.*)/s);
    assert.ok(existsSync(file), entry);
    if (title !== undefined) assert.ok(readFileSync(file, 'utf8').includes(title), entry);
  }
  assert.deepEqual(listed, [...new Set(listed)].toSorted());
});

test('a listed test of recorded data may be skipped where there is none, and only there', () => {
  for (const [hasTestData, failed] of [
    [false, 0],
    [true, 1],
  ] as const) {
    const tally = new TestTally();
    const skip = 'needs: trees in BERTH_TEST_DATA';
    tally.test('test/a.test.ts', skipped('recorded', skip));
    tally.demand(['test/a.test.ts'], hasTestData);
    assert.equal(tally.failed, failed);
  }
});
