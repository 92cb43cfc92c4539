/**
 * Of so many looks in a row nobody has given a sign of life between: looks are at least a second
 * apart, so that is five seconds or more.
 */
const LOOKS = 5;

/** The last sign of life that was seen of somebody, and how many looks have found no other since. */
interface LastSign {
  readonly beat: number;
  readonly looks: number;
}

/**
 * Finds out who has fallen silent by looking again and again at how often each has given a sign of
 * life. No clock is compared with another one, and what the observer itself has missed counts for
 * nothing: while it was stopped, or its database was away, nobody could be seen.
 */
export class Silence {
  #last: ReadonlyMap<string, LastSign> = new Map();

  /**
   * Takes a look, at least a second after the one before.
   * @param beats how often each has given a sign of life by now.
   * @returns those who have given none for so long that they are taken for dead.
   */
  look(beats: ReadonlyMap<string, number>): ReadonlySet<string> {
    const before = this.#last;
    const signs = Array.from(beats, ([id, beat]): [string, LastSign] => {
      const last = before.get(id);
      return [id, { beat, looks: last?.beat === beat ? last.looks + 1 : 0 }];
    });
    this.#last = new Map(signs);
    return new Set(signs.filter(([, { looks }]) => looks >= LOOKS).map(([id]) => id));
  }

  /** Begins anew: a look has failed, so that others may have had no way to give a sign either. */
  forget(): void {
    this.#last = new Map();
  }
}
