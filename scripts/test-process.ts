import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { TestResult } from './count-reporter.ts';
import type { TestBatch } from './test-batches.ts';

/** What became of a batch. */
export interface BatchOutcome {
  /** Each test with its file, a path from the checkout. */
  readonly results: readonly (readonly [file: string, result: TestResult])[];
  /** Why the process itself failed, tests aside. */
  readonly problem?: string;
  /** What it wrote, unless that was shown as it came. */
  readonly output: string;
  readonly ms: number;
}

/** How long a process has to clean up before it is killed. */
const GRACE_MS = 20_000;

const running = new Set<ChildProcess>();
const unfinished = new Set<Promise<unknown>>();
const stop = new AbortController();

/** Aborted when a signal has told this process to end: from then on nothing new begins. */
export const stopSignal = stop.signal;

/**
 * Hands a signal to what runs, so that tests take down what they started, waits for all work that
 * `finishing` knows of, and then ends by that signal. A second one ends at once.
 */
export function endWithSignals(): void {
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
    process.once(signal, () => {
      stop.abort();
      for (const child of running) child.kill(signal);
      void Promise.allSettled(unfinished).then(() => process.kill(process.pid, signal));
    });
  }
}

/**
 * Does work that a signal lets come to its end.
 * @throws the reason of `stopSignal`, without having begun, when this process is to end.
 */
export async function finishing<T>(work: () => Promise<T>): Promise<T> {
  stopSignal.throwIfAborted();
  const whole = work();
  unfinished.add(whole);
  try {
    return await whole;
  } finally {
    unfinished.delete(whole);
  }
}

/** Runs the tests of a batch in a process of their own. @throws as `finishing`. */
export async function runBatch(batch: TestBatch): Promise<BatchOutcome> {
  return finishing(async () => runTests(batch));
}

/**
 * Runs a program of the checkout's packages, showing what it says. @throws as `finishing`.
 * @returns whether it succeeded
 */
export async function runTool(program: string, args: readonly string[]): Promise<boolean> {
  const path = join('node_modules', '.bin', program);
  const ended = await finishing(async () => endOf(start(path, args, { live: true })));
  return ended === 'exit 0';
}

async function runTests(batch: TestBatch): Promise<BatchOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'berth-test-'));
  const path = join(folder, 'results.jsonl');
  const since = Date.now();
  try {
    const { ended, output } = await runProcess(batch, path);
    const results = readResults(path, batch);
    const isToldByTests = results.some(([, result]) => !result.passed);
    const problem = ended === 'exit 0' || isToldByTests ? {} : { problem: ended };
    return { results, output, ms: Date.now() - since, ...problem };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runProcess(
  batch: TestBatch,
  results: string,
): Promise<{ ended: string; output: string }> {
  const [program = '', ...options] = batch.command;
  const args = [
    ...options,
    '--test',
    '--test-force-exit',
    `--test-timeout=${batch.testMs}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=./scripts/count-reporter.ts',
    `--test-reporter-destination=${results}`,
    ...batch.files,
  ];
  const child = start(program, args, { live: batch.alone, env: batch.env });
  const output: Buffer[] = [];
  for (const pipe of [child.stdout, child.stderr]) {
    pipe?.on('data', (chunk: Buffer) => output.push(chunk));
  }
  const timers = [
    setTimeout(() => child.kill('SIGTERM'), batch.wholeMs),
    setTimeout(() => child.kill('SIGKILL'), batch.wholeMs + GRACE_MS),
  ];
  const ended = await endOf(child);
  for (const timer of timers) clearTimeout(timer);
  return { ended, output: Buffer.concat(output).toString('utf8') };
}

function start(
  program: string,
  args: readonly string[],
  options: { readonly live: boolean; readonly env?: Readonly<Record<string, string>> | undefined },
): ChildProcess {
  const bin = join(process.cwd(), 'node_modules', '.bin');
  const path = process.env['PATH'] ?? '';
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    stdio: ['ignore', ...(options.live ? INHERITED : PIPED)],
    // A test may itself run tests: its runner is not part of ours.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, PATH: `${bin}:${path}`, ...options.env },
  });
  running.add(child);
  child.once('close', () => running.delete(child));
  return child;
}

const INHERITED = ['inherit', 'inherit'] as const;
const PIPED = ['pipe', 'pipe'] as const;

async function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve(signal === null ? `exit ${code}` : `ended by ${signal}`);
    });
  });
}

/** A helper beside the test file may define tests; in a process of one file they are that file's. */
function readResults(path: string, { files }: TestBatch): BatchOutcome['results'] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => {
    // Written by our own reporter.
    const result = JSON.parse(line) as TestResult;
    const [only = '', ...others] = files;
    const file = others.length === 0 ? only : relative(process.cwd(), result.file ?? '');
    return [file, result] as const;
  });
}
