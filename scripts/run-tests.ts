import { existsSync, readFileSync } from 'node:fs';
import { isLong, longBatches, quickBatches, seedRounds, testFiles } from './test-batches.ts';
import { isChosen, parseChoice, USAGE } from './test-choice.ts';
import type { TestChoice } from './test-choice.ts';
import { installTestPackages } from './test-packages.ts';
import { endWithSignals, finishing, runTool, stopSignal } from './test-process.ts';
import { TestRun } from './test-run.ts';
import { TestTally } from './test-tally.ts';
import type { MayNotSkip } from './test-tally.ts';

/**
 * Runs every check and the tests that the command line asks for, cheapest first, and ends with the
 * line `N passed, N failed`. All of it is run even when an early part fails, so that one run tells
 * everything. Under `CI` the tests listed in test/may-not-skip.json must really run.
 */

const CHECKS: readonly (readonly [name: string, program: string, args: readonly string[]])[] = [
  ['format', 'prettier', ['--check', '--log-level=warn', '.']],
  ['types', 'tsc', ['-b']],
  ['types of tests', 'tsc', ['-p', 'test/tsconfig.json']],
  ['lint', 'oxlint', ['--type-aware', 'src', 'test', 'scripts']],
  ['dead code', 'knip', []],
];
const MAY_NOT_SKIP = 'test/may-not-skip.json';
/** Test processes that run side by side; most of them wait for guests. */
const AT_ONCE = 2;
/** What the tiers may take, on two cores. */
const QUICK_MS = 10 * 60_000;
const BEYOND_MS = 60 * 60_000;

const choice = parseChoice(process.argv.slice(2));
if (choice === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  endWithSignals();
  try {
    process.exitCode = (await runAll(choice)) ? 0 : 1;
  } catch (error) {
    // What broke off because of a signal ends by it.
    if (!stopSignal.aborted) throw error;
  }
}

async function runAll(choice: TestChoice): Promise<boolean> {
  const tally = new TestTally();
  const { quick } = choice.tiers;
  if (quick && choice.places.length === 0) await runChecks(tally);
  if (!choice.checksOnly) {
    if (choice.install) await installPackages(choice, tally);
    await runTests(choice, tally);
    if (process.env['CI'] !== undefined) {
      tally.demand(demanded(choice), process.env['BERTH_TEST_DATA'] !== undefined);
    }
  }
  for (const line of tally.lines) console.log(line);
  return tally.isGood;
}

async function runChecks(tally: TestTally): Promise<void> {
  for (const [name, program, args] of CHECKS) {
    const isGood = await runTool(program, args);
    console.log(`${isGood ? 'ok' : 'FAILED'}: ${name}`);
    tally.check(name, isGood);
  }
}

/** Without them the tests still tell more than nothing. */
async function installPackages({ tiers }: TestChoice, tally: TestTally): Promise<void> {
  try {
    await finishing(async () => installTestPackages(tiers, stopSignal));
  } catch (error) {
    stopSignal.throwIfAborted();
    tally.fail(`the packages cannot be installed: ${String(error)}`);
  }
}

async function runTests(choice: TestChoice, tally: TestTally): Promise<void> {
  const { quick, beyond } = choice.tiers;
  const long = beyond && choice.seed === undefined ? longBatches(choice) : [];
  const counted = [...(quick ? quickBatches(choice) : []), ...long];
  for (const place of choice.places) {
    if (testFiles({ places: [place] }).length === 0)
      tally.fail(`there are no tests in test/${place}`);
  }
  const run = new TestRun(tally, counted.length);
  await run.each(counted.filter(({ alone }) => !alone).values(), AT_ONCE);
  await run.each(counted.filter(({ alone }) => alone).values(), 1);
  if (beyond) await run.each(seedRounds(choice), AT_ONCE);
  run.tellTime((quick ? QUICK_MS : 0) + (beyond ? BEYOND_MS : 0));
}

/** Listed tests that belong to what was asked for. */
function demanded(choice: TestChoice): MayNotSkip {
  if (choice.seed !== undefined || !existsSync(MAY_NOT_SKIP)) return [];
  const listed = JSON.parse(readFileSync(MAY_NOT_SKIP, 'utf8')) as MayNotSkip;
  return listed.filter((entry) => {
    const [file = ''] = entry.split(': ');
    const isAsked = isLong(file) ? choice.tiers.beyond : choice.tiers.quick;
    return isAsked && isChosen(file, choice);
  });
}
