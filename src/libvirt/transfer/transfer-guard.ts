import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { berthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import { interrupted, type Wait } from '../rpc/wait.ts';

/**
 * Watches over one transfer: whatever its work waits for, it waits no longer than the stream is
 * whole, the deadline is not over and nobody has aborted the signal. The first of these to break
 * is the reason.
 */
export class TransferGuard {
  readonly #stream: Readable | Writable;
  readonly #unwatch: () => void;
  #reason: Error | undefined;
  #reject: ((error: Error) => void) | undefined;

  /** @param rest what is left to wait; when that is nothing any more, the transfer is stopped at once. */
  constructor(stream: Readable | Writable, what: string, clock: Clock, rest: () => Wait) {
    this.#stream = stream;
    stream.on('error', (error) => this.#stop(error));
    this.#unwatch = this.#watch(what, clock, rest);
  }

  /**
   * Does the work of the transfer. However that ends, the stream has ended on both sides before this
   * settles.
   */
  async over(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      await this.end();
      throw this.reasonOf(error);
    }
    await this.end();
    if (this.#reason !== undefined) throw this.#reason;
  }

  /** Waits for one thing within the work; only for one at a time. */
  async during<T>(step: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      step.then(resolve, reject);
      if (this.#reason !== undefined) reject(this.#reason);
    });
  }

  /** Ends the transfer when this rejects. */
  heed(failed: Promise<unknown>): void {
    failed.catch((error: Error) => this.#stop(error));
  }

  /** Why the work failed: with this error, unless the transfer had been stopped before. */
  reasonOf(error: unknown): unknown {
    return this.#reason ?? error;
  }

  /** Waits for the end of the stream on both sides; one that is not finished is aborted. */
  async end(): Promise<void> {
    this.#unwatch();
    this.#stream.destroy();
    // The listener above has noted an error that comes with it.
    if (!this.#stream.closed) await once(this.#stream, 'close').catch(() => undefined);
  }

  #watch(what: string, clock: Clock, rest: () => Wait): () => void {
    let wait: Wait;
    try {
      wait = rest();
    } catch (error) {
      this.#stop(error as Error); // a wait that is over gives BERTH_DEADLINE and nothing else
      return () => undefined;
    }
    const { signal, deadlineMs } = wait;
    const onAbort = (): void => this.#stop(interrupted(what, wait));
    const stopClock = clock.after(deadlineMs, () => {
      this.#stop(berthError('BERTH_DEADLINE', { what, afterMs: deadlineMs }));
    });
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted === true) onAbort();
    return () => {
      stopClock();
      signal?.removeEventListener('abort', onAbort);
    };
  }

  #stop(reason: Error): void {
    this.#reason ??= reason;
    this.#stream.destroy();
    this.#reject?.(this.#reason);
  }
}
