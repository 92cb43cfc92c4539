import type { TestResult } from './count-reporter.ts';

/**
 * Tests that CI must not skip: a file of which no test may be skipped, or one test of it as
 * `FILE: TITLE`. Paths are from the checkout.
 */
export type MayNotSkip = readonly string[];

/** A skip says which need is unmet. */
const NEEDS_NAMED = /^needs: \S/;

/** Counts what was run, and what should have been. */
export class TestTally {
  passed = 0;
  failed = 0;
  readonly #skipped: string[] = [];
  readonly #problems: string[] = [];
  readonly #results = new Map<string, TestResult[]>();

  /** Counts one check that is no test. */
  check(name: string, isGood: boolean): void {
    if (isGood) this.passed++;
    else this.fail(name);
  }

  /** Counts a failure that no test reported. */
  fail(problem: string): void {
    this.failed++;
    this.#problems.push(problem);
  }

  /** Counts one test; a skip that names no need is a failure. */
  test(file: string, result: TestResult): void {
    this.#results.set(file, [...(this.#results.get(file) ?? []), result]);
    const { name, passed, skip } = result;
    if (skip !== undefined) {
      this.#skipped.push(`${file}: ${name} (${skip})`);
      if (!NEEDS_NAMED.test(skip)) this.fail(`${file}: ${name}: skipped without "needs: ..."`);
    } else if (passed) this.passed++;
    else this.fail(`${file}: ${name}`);
  }

  /**
   * Fails every listed test that was skipped or did not run.
   * @param hasTestData whether there is recorded data; without it a test of that may be skipped, for
   *   it is not part of the checkout.
   */
  demand(listed: MayNotSkip, hasTestData: boolean): void {
    for (const entry of listed) {
      const [file = '', title] = entry.split(/: (.*)/s);
      const all = this.#results.get(file) ?? [];
      const meant = title === undefined ? all : all.filter(({ name }) => name === title);
      if (meant.length === 0) this.fail(`${entry}: did not run, and may not be left out`);
      for (const { name, skip } of meant) {
        const isExcused = !hasTestData && skip?.includes('BERTH_TEST_DATA') === true;
        if (skip !== undefined && !isExcused) {
          this.fail(`${file}: ${name}: may not be skipped (${skip})`);
        }
      }
    }
  }

  /** What there is to say at the end, its last line `N passed, N failed`. */
  get lines(): readonly string[] {
    return [
      ...this.#skipped.map((line) => `skipped: ${line}`),
      ...this.#problems.map((line) => `FAILED: ${line}`),
      `${this.passed} passed, ${this.failed} failed`,
    ];
  }

  /** A run in which nothing was tried has not succeeded. */
  get isGood(): boolean {
    return this.failed === 0 && this.passed > 0;
  }
}
