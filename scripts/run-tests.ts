import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installTestPackages } from './test-packages.ts';

/**
 * Runs every check and every test, cheapest first, and ends with "N passed, N failed". All of it is
 * run even when an early part fails, so that one run tells everything.
 *
 *   npm test                      everything
 *   npm test -- engine xml        only the tests of these rooms
 *   npm run check                 only format, lint, types and dead code
 */

interface Counts {
  passed: number;
  failed: number;
  readonly skipped: string[];
}

/** Rooms without processes, sockets or clocks: their tests share one process. */
const PURE_ROOMS = ['base', 'model', 'xml', 'facts', 'engine'];
const TEST_MS_MAX = 180_000;
const NEEDS_NAMED = /^needs: \S/;

const CHECKS: readonly (readonly [string, readonly string[]])[] = [
  ['format', ['prettier', '--check', '--log-level=warn', '.']],
  ['types', ['tsc', '-b']],
  ['types of tests', ['tsc', '-p', 'test/tsconfig.json']],
  ['lint', ['oxlint', '--type-aware', 'src', 'test', 'scripts']],
  ['dead code', ['knip']],
];

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const checksOnly = process.argv.includes('--checks-only');
const counts: Counts = { passed: 0, failed: 0, skipped: [] };

if (wanted.length === 0) {
  for (const [name, command] of CHECKS) await check(name, command);
}
if (!checksOnly) {
  await installTestPackages();
  await runTests();
}

for (const line of counts.skipped) console.log(`skipped: ${line}`);
const skipped = counts.skipped.length === 0 ? '' : `, ${counts.skipped.length} skipped`;
console.log(`${counts.passed} passed, ${counts.failed} failed${skipped}`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;

async function check(name: string, [program = '', ...args]: readonly string[]): Promise<void> {
  const status = await run(join('node_modules', '.bin', program), args);
  console.log(`${status === 0 ? 'ok' : 'FAILED'}: ${name}`);
  if (status === 0) counts.passed++;
  else counts.failed++;
}

async function runTests(): Promise<void> {
  const files = globSync('test/**/*.test.ts').toSorted();
  const room = (file: string): string => file.split('/')[1] ?? '';
  const chosen = files.filter((file) => wanted.length === 0 || wanted.includes(room(file)));
  const isPure = (file: string): boolean => PURE_ROOMS.includes(room(file));
  const pure = chosen.filter(isPure);
  const runner = wanted.length === 0 ? coverageGate() : [process.execPath];
  await testProcess([...runner, '--test', '--test-isolation=none'], pure);
  const other = chosen.filter((file) => !isPure(file));
  await testProcess([process.execPath, '--test', '--test-concurrency=2'], other);
}

/** Runs node under c8, which fails below these shares; a file that no test loads counts as uncovered. */
function coverageGate(): readonly string[] {
  const rooms = PURE_ROOMS.map((room) => `--include=src/${room}/**`);
  const gate = ['--check-coverage', '--lines=95', '--branches=90', '--reporter=text-summary'];
  return [join('node_modules', '.bin', 'c8'), '--all', '--src=src', ...rooms, ...gate, 'node'];
}

async function testProcess(
  [program = '', ...args]: readonly string[],
  files: readonly string[],
): Promise<void> {
  if (files.length === 0) return;
  const folder = mkdtempSync(join(tmpdir(), 'berth-test-'));
  const results = join(folder, 'results.jsonl');
  const status = await run(program, [
    ...args,
    '--test-force-exit',
    `--test-timeout=${TEST_MS_MAX}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=./scripts/count-reporter.ts',
    `--test-reporter-destination=${results}`,
    ...files,
  ]);
  const before = counts.failed;
  for (const line of readFileSync(results, 'utf8').split('\n').filter(Boolean)) count(line);
  rmSync(folder, { recursive: true });
  if (status !== 0 && counts.failed === before) counts.failed++;
}

/** A skip must say which need is unmet; one that does not is a failure. */
function count(line: string): void {
  const result = JSON.parse(line) as { name: string; passed: boolean; skip?: string };
  if (result.skip === undefined) {
    if (result.passed) counts.passed++;
    else counts.failed++;
    return;
  }
  counts.skipped.push(`${result.name} (${result.skip})`);
  if (!NEEDS_NAMED.test(result.skip)) counts.failed++;
}

async function run(program: string, args: readonly string[]): Promise<number> {
  const bin = join(process.cwd(), 'node_modules', '.bin');
  const child = spawn(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` },
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}
