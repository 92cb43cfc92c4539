import type { TestEvent } from 'node:test/reporters';

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
    yield `${JSON.stringify({
      name: data.name,
      file: data.file,
      passed: event.type === 'test:pass',
      ...(isSkipped ? { skip: skip === true ? '' : skip } : {}),
    })}\n`;
  }
}
