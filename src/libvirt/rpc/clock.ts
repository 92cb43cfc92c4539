/** Time as the client needs it. Tests pass their own and move it by hand. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back. */
  now(): number;
  /** Runs something once after that many milliseconds; the result cancels it. */
  after(ms: number, run: () => void): () => void;
}

/** The real clock. It is the only place in the client where a timer is made. */
export const systemClock: Clock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
