import type { Ports } from '../ports.ts';

/**
 * For so long a server that has said something to the others counts on it that they have heard it: it
 * is less than the silence after which they take it for dead (`Silence`), by the time it takes to stop.
 */
const TRUST_MS = 4000;

/** What a server may count on since it last got through to the others, and no longer. */
export class Trust {
  readonly #ports: Ports;
  readonly #onEnd: () => void;
  #running: AbortController | undefined;

  /** @param onEnd called when it has run out. */
  constructor(ports: Ports, onEnd: () => void) {
    this.#ports = ports;
    this.#onEnd = onEnd;
  }

  /** True until it has run out, or was given up. */
  get holds(): boolean {
    return this.#running !== undefined;
  }

  /**
   * Says something to the others; when they have got it the trust lasts from before it was said: when
   * the answer comes, some of it is over already.
   * @throws what saying it throws, and then it lasts as long as it did.
   */
  async renewBy<T>(say: () => Promise<T>): Promise<T> {
    const fresh = new AbortController();
    const over = this.#ports.sleep(TRUST_MS, fresh.signal).then(
      () => this.#runOut(fresh),
      () => undefined,
    );
    void over;
    try {
      const answer = await say();
      this.giveUp();
      // One whose answer took as long as it lasts has run out already.
      if (!fresh.signal.aborted) this.#running = fresh;
      return answer;
    } catch (error) {
      fresh.abort();
      throw error;
    }
  }

  /** Ends it, without a call to `onEnd`. */
  giveUp(): void {
    this.#running?.abort();
    this.#running = undefined;
  }

  #runOut(which: AbortController): void {
    which.abort();
    if (this.#running !== which) return;
    this.#running = undefined;
    this.#onEnd();
  }
}
