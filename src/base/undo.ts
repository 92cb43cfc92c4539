/** One thing that takes a side effect back. Must be safe to call when the effect is half there. */
export type UndoHook = () => void | Promise<void>;

/**
 * What work itself failed with. Where taking it back failed as well, leaving an `await using` scope
 * throws a SuppressedError of both, of which only the inner one tells what went wrong.
 */
export function reasonOf(error: unknown): unknown {
  let reason = error;
  while (reason instanceof SuppressedError) reason = reason.suppressed;
  return reason;
}

/**
 * A stack of undo hooks for work that must happen whole or not at all.
 *
 *     await using undo = new Undo();
 *     await makeFile();
 *     undo.add('remove the file', removeFile);
 *     undo.commit();
 *
 * Leaving the scope before `commit()` runs the hooks backwards. Every hook runs even when one
 * before it failed; the failures come out together as an AggregateError that says which. With an
 * error of the work itself JavaScript makes one SuppressedError of both: see `reasonOf`.
 */
export class Undo implements AsyncDisposable {
  #hooks: { readonly what: string; readonly hook: UndoHook }[] = [];

  /** Remembers how to take back what was just done; `what` reads as "could not <what>". */
  add(what: string, hook: UndoHook): void {
    this.#hooks.push({ what, hook });
  }

  /** The work is whole: forget every hook. */
  commit(): void {
    this.#hooks = [];
  }

  /** Runs the hooks backwards now. A second call does nothing. */
  async run(): Promise<void> {
    const failures: Error[] = [];
    for (let entry = this.#hooks.pop(); entry !== undefined; entry = this.#hooks.pop()) {
      try {
        await entry.hook();
      } catch (error) {
        failures.push(new Error(`could not ${entry.what}`, { cause: error }));
      }
    }
    if (failures.length > 0) throw new AggregateError(failures, 'taking work back failed');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run();
  }
}
