/**
 * Lets work on the same thing follow each other in the order in which it was asked for, and work on
 * different things go side by side. A failure is its own asker's; the next turn comes all the same.
 */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Does the work when everything asked for before on `thing` has ended. @throws as `work` does. */
  async take<T>(thing: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(thing) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#last.set(thing, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(thing) === turn) this.#last.delete(thing);
    }
  }
}
