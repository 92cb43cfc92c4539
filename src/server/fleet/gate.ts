/** What a gate needs of time. */
type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

/** How many may be inside at once, and for how long one of them counts. */
export interface GateBounds {
  readonly inside: number;
  /** Milliseconds after which whoever is still inside waits for something else than this process. */
  readonly countsMs: number;
}

/**
 * Lets so many in at a time, in the order in which they came; the others wait. So a server that
 * starts, or hundreds of hosts that come back at once, cost as many connections at a time and not
 * all of them: whoever is in is done with soon. One that takes long, such as a host whose packets
 * are lost, is no longer counted, and holds up nobody.
 */
export class Gate {
  readonly #bounds: GateBounds;
  readonly #sleep: Sleep;
  readonly #queue = new Set<() => void>();
  #inside = 0;

  constructor(bounds: GateBounds, sleep: Sleep) {
    this.#bounds = bounds;
    this.#sleep = sleep;
  }

  /** How many wait to be let in. */
  get waiting(): number {
    return this.#queue.size;
  }

  /**
   * Waits to be let in.
   * @returns goes out again; going out twice is going out once.
   * @throws the signal's reason as soon as that aborts.
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#inside >= this.#bounds.inside) await this.#turn(signal);
    else this.#inside++;
    return this.#leaveOnce();
  }

  /** Whoever goes out hands its place over, so that nobody comes in between. */
  async #turn(signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const quit = (): void => {
      this.#queue.delete(resolve);
      reject(signal.reason as Error);
    };
    this.#queue.add(resolve);
    signal.addEventListener('abort', quit, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', quit);
    }
  }

  #leaveOnce(): () => void {
    const over = new AbortController();
    const leave = (): void => {
      if (over.signal.aborted) return;
      over.abort();
      this.#next();
    };
    void this.#sleep(this.#bounds.countsMs, over.signal).then(leave, leave);
    return leave;
  }

  #next(): void {
    const [first] = this.#queue;
    if (first === undefined) {
      this.#inside--;
      return;
    }
    this.#queue.delete(first);
    first();
  }
}
