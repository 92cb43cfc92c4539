import type { TestEvent } from 'node:test/reporters';

/** One finished test, as the runner reads it. */
export interface TestResult {
  readonly name: string;
  /** Absolute path of the file that it stands in. */
  readonly file?: string;
  readonly passed: boolean;
  /** Why it was not run; empty where no reason is given. */
  readonly skip?: string;
}

/**
 * A reporter for node:test that writes one JSON line a finished test: its full result, so that the
 * runner can count across processes and fail on a run that executed nothing.
 */
export default async function* countReporter(
  source: AsyncIterable<TestEvent>,
): AsyncGenerator<string> {
  for await (const event of source) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { data } = event;
    const skip = data.skip ?? data.todo;
    // A suite counts by its tests; one that is skipped whole has none.
    const isSkipped = skip !== undefined && skip !== false;
    if (data.details.type === 'suite' && !isSkipped) continue;
    const result: TestResult = {
      name: data.name,
      ...(data.file === undefined ? {} : { file: data.file }),
      passed: event.type === 'test:pass',
      ...(isSkipped ? { skip: skip === true ? '' : skip } : {}),
    };
    yield `${JSON.stringify(result)}\n`;
  }
}
