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
    if (data.details.type === 'suite') continue;
    const skip = data.skip ?? data.todo;
    yield `${JSON.stringify({
      name: data.name,
      file: data.file,
      passed: event.type === 'test:pass',
      ...(skip === undefined || skip === false ? {} : { skip: skip === true ? '' : skip }),
    })}\n`;
  }
}
