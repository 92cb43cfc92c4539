/** The wall clock as a run begins. */
const BEGINNING_MS = Date.UTC(2026, 0, 1);

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/**
 * Time that stands still while anything runs, and then jumps to the next timer. All that a run does is
 * done in microtasks and by these timers, one after the other, so that a seed decides everything.
 */
export class SimulatedClock {
  #elapsed = 0;
  #skew = 0;
  #databaseSkew = 0;
  #order = 0;
  /** By time, the latest first. */
  readonly #timers: Timer[] = [];

  /** Milliseconds since the run began; never goes back. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** The wall clock: milliseconds since the epoch, which administrators set and NTP steps. */
  readonly now = (): number => BEGINNING_MS + Math.floor(this.#elapsed + this.#skew);

  /** The clock of a machine on which nobody sets it. */
  readonly steady = (): number => BEGINNING_MS + Math.floor(this.#elapsed);

  /** The clock of the machine that the database is on. */
  readonly database = (): number => BEGINNING_MS + Math.floor(this.#elapsed + this.#databaseSkew);

  /** Sets the clock of the database, as `jump` does that of servers. */
  jumpDatabase(ms: number): void {
    this.#databaseSkew += ms;
  }

  /** Sets the wall clock forward, or back by a negative number. */
  jump(ms: number): void {
    this.#skew += ms;
  }

  /** Runs something once after that many milliseconds; the result cancels it. */
  after(ms: number, run: () => void): () => void {
    const timer: Timer = { at: this.#elapsed + Math.max(0, ms), order: this.#order++, run };
    let from = 0;
    for (let to = this.#timers.length; from < to;) {
      const middle = (from + to) >> 1;
      if (isBefore(timer, this.#timers[middle])) from = middle + 1;
      else to = middle;
    }
    this.#timers.splice(from, 0, timer);
    return () => {
      const at = this.#timers.indexOf(timer);
      if (at !== -1) this.#timers.splice(at, 1);
    };
  }

  /** Settles after so many milliseconds. @throws the signal's reason as soon as that aborts. */
  readonly sleep = async (ms: number, signal?: AbortSignal): Promise<void> => {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancel = this.after(ms, resolve);
    const abort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', abort);
    try {
      await promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  };

  /** Lets everything run that can run now. */
  async drain(): Promise<void> {
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }

  /** Jumps to the next timer and runs it. @returns false when there is none. */
  step(): boolean {
    const timer = this.#timers.pop();
    if (timer === undefined) return false;
    this.#elapsed = timer.at;
    timer.run();
    return true;
  }
}

function isBefore(timer: Timer, other: Timer | undefined): boolean {
  if (other === undefined) return false;
  return timer.at === other.at ? timer.order < other.order : timer.at < other.at;
}
