/**
 * Checks something that only a defect in this program can break, in production too.
 * Never for input: bad input gets a coded error (errors.ts).
 * @throws AssertionError naming the broken expectation.
 */
export function assert(condition: boolean, expectation: string): asserts condition {
  if (!condition) throw new AssertionError(expectation);
}

/** Proves to the compiler that a union has been handled whole; reached only by a defect. */
export function assertNever(value: never): never {
  throw new AssertionError(`no case for ${JSON.stringify(value)}`);
}

/** A value that a defect alone could have left out. */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) throw new AssertionError(`${what} is there`);
  return value;
}

/** A defect of this program; the only error that may show a stack trace. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';

  constructor(expectation: string) {
    super(`expected that ${expectation}`);
  }
}
