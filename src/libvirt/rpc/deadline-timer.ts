import type { Clock } from './clock.ts';

/**
 * One timer for many deadlines. It is not stopped when what it was set for is done in time, as
 * nearly everything is: making and ending a timer for each call costs more than looking once in a
 * while and finding nothing due.
 */
export class DeadlineTimer {
  readonly #clock: Clock;
  readonly #expire: (now: number) => number;
  #ringsAt = Infinity;
  #cancel: (() => void) | undefined;

  /** `expire` ends what is due by now and says when the next thing will be; Infinity for nothing. */
  constructor(clock: Clock, expire: (now: number) => number) {
    this.#clock = clock;
    this.#expire = expire;
  }

  /** Makes sure that it rings at that moment. */
  ringAt(end: number): void {
    if (end < this.#ringsAt) this.#set(end);
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#ringsAt = Infinity;
  }

  #set(end: number): void {
    this.#cancel?.();
    this.#ringsAt = end;
    const ms = Math.max(1, Math.ceil(end - this.#clock.now()));
    this.#cancel = this.#clock.after(ms, () => this.#ring());
  }

  #ring(): void {
    this.stop();
    const next = this.#expire(this.#clock.now());
    if (next < Infinity) this.ringAt(next);
  }
}
