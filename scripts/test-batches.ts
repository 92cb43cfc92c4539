import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isChosen, SEED_MAX } from './test-choice.ts';
import type { TestChoice } from './test-choice.ts';

/** Test files that share a process. */
export interface TestBatch {
  readonly title: string;
  readonly files: readonly string[];
  /** The program before the options of node's test runner. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** How long one test, and how long all of them, may take. */
  readonly testMs: number;
  readonly wholeMs: number;
  /** Uses the whole machine: nothing runs beside it, and what it says is shown as it comes. */
  readonly alone: boolean;
  /** Its tests were counted before; what counts now is that none fails. */
  readonly again: boolean;
}

/** Rooms without processes, sockets or clocks: their tests share one process. */
const PURE_ROOMS = ['base', 'model', 'xml', 'facts', 'engine'];

const MINUTE_MS = 60_000;
const QUICK = { testMs: 3 * MINUTE_MS, wholeMs: 10 * MINUTE_MS, alone: false, again: false };
const LONG = { testMs: 20 * MINUTE_MS, wholeMs: 40 * MINUTE_MS, alone: true, again: false };
/** How long rounds of property tests with new seeds are begun. */
const ROUNDS_MS = 6 * MINUTE_MS;

/** What every change runs: every test file but the long ones. */
export function quickBatches(choice: TestChoice): readonly TestBatch[] {
  const files = testFiles(choice).filter((file) => !isLong(file));
  const pure = files.filter(isPure);
  const together = {
    ...QUICK,
    title: `${pure.length} files of pure rooms`,
    files: pure,
    command: [...(choice.places.length === 0 ? coverageGate() : ['node']), '--test-isolation=none'],
  };
  const apart = files.filter((file) => !isPure(file));
  return [...(pure.length === 0 ? [] : [together]), ...apart.map((file) => single(file, QUICK))];
}

/** The test files that take long, each by itself. */
export function longBatches(choice: TestChoice): readonly TestBatch[] {
  const files = testFiles(choice).filter(isLong);
  return files.map((file) => single(file, LONG));
}

/**
 * Rounds of all property tests, each with another seed, as long as there is time; just one where the
 * seed is given.
 */
export function* seedRounds(
  choice: TestChoice,
  random: () => number = Math.random,
  now: () => number = Date.now,
): Generator<TestBatch> {
  const files = testFiles(choice).filter((file) => !isLong(file) && hasProperties(file));
  if (files.length === 0) return;
  const since = now();
  for (let round = 1; round === 1 || now() - since < ROUNDS_MS; round++) {
    const seed = choice.seed ?? Math.floor(random() * SEED_MAX);
    yield {
      ...QUICK,
      title: `properties, round ${round}; again with: npm run test:all -- --seed ${seed}`,
      files,
      command: ['node', '--import=./scripts/fresh-seed.ts', '--test-isolation=none'],
      env: { BERTH_TEST_SEED: `${seed}` },
      again: true,
    };
    if (choice.seed !== undefined) return;
  }
}

/** All test files in the chosen places, of both tiers. */
export function testFiles(choice: Pick<TestChoice, 'places'>): readonly string[] {
  const files = globSync('test/**/*.test.ts').toSorted();
  return files.filter((file) => isChosen(file, choice));
}

/** Which tier a test file belongs to is told by its name. */
export function isLong(file: string): boolean {
  return file.endsWith('.long.test.ts');
}

function isPure(file: string): boolean {
  return PURE_ROOMS.includes(file.split('/')[1] ?? '');
}

function hasProperties(file: string): boolean {
  return readFileSync(file, 'utf8').includes(`from 'fast-check'`);
}

function single(file: string, limits: typeof QUICK): TestBatch {
  return { ...limits, title: file, files: [file], command: ['node', '--test-isolation=none'] };
}

/** Runs node under c8, which fails below these shares; a file that no test loads counts as uncovered. */
function coverageGate(): readonly string[] {
  const rooms = PURE_ROOMS.map((room) => `--include=src/${room}/**`);
  const gate = ['--check-coverage', '--lines=95', '--branches=90', '--reporter=text-summary'];
  return [join('node_modules', '.bin', 'c8'), '--all', '--src=src', ...rooms, ...gate, 'node'];
}
