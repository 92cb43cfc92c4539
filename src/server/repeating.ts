import type { Ports } from './ports.ts';

/** What is done again and again, and how often. */
interface Repeated {
  /** The pause between two times, in milliseconds. */
  readonly everyMs: number;
  readonly work: () => Promise<void>;
  /** What the log says when it fails: once, until it has gone well again. */
  readonly failing: string;
}

/** Does something again and again until it is stopped; what fails is tried again the next time. */
export class Repeating {
  readonly #repeated: Repeated;
  readonly #ports: Ports;
  readonly #stop = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  #going: Promise<void> | undefined;
  #isTroubled = false;

  constructor(repeated: Repeated, ports: Ports) {
    this.#repeated = repeated;
    this.#ports = ports;
  }

  /** Begins at once. */
  start(): void {
    this.#going ??= this.#go();
  }

  /** Settles when it has been done, or has failed, for the first time. */
  get doneOnce(): Promise<void> {
    return this.#first.promise;
  }

  /** Settles when nothing is being done any more. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#going;
  }

  async #go(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#once();
      this.#first.resolve();
      await this.#ports.sleep(this.#repeated.everyMs, signal).catch(() => undefined);
    }
  }

  async #once(): Promise<void> {
    const { work, failing } = this.#repeated;
    try {
      await work();
      this.#isTroubled = false;
    } catch (error) {
      if (!this.#isTroubled) this.#ports.log.error({ err: error }, failing);
      this.#isTroubled = true;
    }
  }
}
