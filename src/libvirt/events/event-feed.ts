import { berthError, type BerthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import { checkWait, type Wait } from '../rpc/wait.ts';

/** Events that may wait in a feed unless its subscriber chose another limit. */
export const EVENTS_WAITING_DEFAULT = 1024;

/** The largest such limit. */
export const EVENTS_WAITING_MAX = 65_536;

/**
 * The events of one subscription, in the daemon's order. Nothing is lost silently: where events
 * had to be dropped, reading throws once at that place (BERTH_OVERFLOW when the reader was too
 * slow, BERTH_PROTOCOL when a message could not be read). Read the whole state again then; the feed
 * itself goes on.
 */
export interface EventFeed<E> extends AsyncIterable<E>, AsyncDisposable {
  /**
   * The next event.
   * @throws BERTH_DEADLINE, BERTH_INTERRUPTED, BERTH_OVERFLOW, BERTH_PROTOCOL, and
   * BERTH_CONNECTION_CLOSED once the connection has ended and everything before has been read.
   */
  take(wait: Wait): Promise<E>;
  /** Everything that waits now, at once. @throws like `take`, but never waits. */
  drain(): readonly E[];
  /** Ends the feed and tells the daemon. A loop over the feed ends; leaving the loop closes too. */
  close(wait: Wait): Promise<void>;
}

interface FeedParts {
  /** Names the feed in errors. */
  readonly what: string;
  readonly limit: number;
  readonly clock: Clock;
  /** Tells the daemon; called once. */
  readonly release: (wait: Wait) => Promise<void>;
}

/** How long leaving a loop waits for the daemon's answer. */
const RELEASE_MS = 5000;

/** The feed itself, as the connection fills it. */
export class BoundedFeed<E> implements EventFeed<E> {
  readonly #parts: FeedParts;
  readonly #events: E[] = [];
  /** Who waits for an event now; one that stops waiting takes itself out. */
  readonly #readers = new Set<() => void>();
  #gap: BerthError | undefined;
  #ending: 'closed' | BerthError | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** Adds an event; while a gap waits to be noticed, what comes behind it is part of the gap. */
  push(event: E): void {
    if (this.#gap !== undefined || this.#ending !== undefined) return;
    const { what, limit } = this.#parts;
    if (this.#events.length < limit) this.#events.push(event);
    else this.#gap = berthError('BERTH_OVERFLOW', { what, max: limit });
    this.#wake();
  }

  /** Marks that an event is missing here. */
  lose(error: BerthError): void {
    this.#gap ??= error;
    this.#wake();
  }

  /** The connection is gone. */
  end(error: BerthError): void {
    this.#ending ??= error;
    this.#wake();
  }

  async take(wait: Wait): Promise<E> {
    const { signal, deadlineMs } = wait;
    checkWait(wait, this.#parts.what);
    const stop = Promise.withResolvers<never>();
    stop.promise.catch(() => undefined); // it may come in the moment in which nobody waits any more
    const what = `the next of ${this.#parts.what}`;
    const abort = () =>
      stop.reject(berthError('BERTH_INTERRUPTED', { what }, { cause: signal?.reason }));
    const stopClock = this.#parts.clock.after(deadlineMs, () =>
      stop.reject(berthError('BERTH_DEADLINE', { what, afterMs: deadlineMs })),
    );
    signal?.addEventListener('abort', abort);
    try {
      if (signal?.aborted === true) abort();
      for (;;) {
        const event = signal?.aborted === true ? undefined : this.#next();
        if (event === 'closed') throw this.#closed();
        if (event !== undefined) return event.value;
        await this.#arrival(stop.promise);
      }
    } finally {
      stopClock();
      signal?.removeEventListener('abort', abort);
    }
  }

  drain(): readonly E[] {
    if (this.#events.length === 0) this.#next();
    return this.#events.splice(0);
  }

  async close(wait: Wait): Promise<void> {
    if (this.#ending !== undefined) return;
    this.#ending = 'closed';
    this.#events.length = 0;
    this.#gap = undefined;
    this.#wake();
    await this.#parts.release(wait);
  }

  [Symbol.asyncIterator](): AsyncIterator<E, undefined> {
    return {
      next: async () => {
        for (;;) {
          const event = this.#next();
          if (event === 'closed') return { done: true, value: undefined };
          if (event !== undefined) return { done: false, value: event.value };
          await this.#arrival();
        }
      },
      return: async () => {
        await this[Symbol.asyncDispose]();
        return { done: true, value: undefined };
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ deadlineMs: RELEASE_MS });
  }

  /** The oldest event; undefined when none waits. */
  #next(): { readonly value: E } | 'closed' | undefined {
    if (this.#events.length > 0) return { value: this.#events.shift() as E };
    if (this.#gap !== undefined) {
      const gap = this.#gap;
      this.#gap = undefined;
      throw gap;
    }
    if (this.#ending === undefined || this.#ending === 'closed') return this.#ending;
    throw this.#ending;
  }

  /** Waits until there is something to read, or until `stopped` rejects. */
  async #arrival(stopped?: Promise<never>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#readers.add(resolve);
    try {
      await (stopped === undefined ? promise : Promise.race([promise, stopped]));
    } finally {
      this.#readers.delete(resolve);
    }
  }

  #wake(): void {
    for (const reader of this.#readers) reader();
  }

  #closed(): BerthError {
    const reason = 'it was closed here';
    return berthError('BERTH_CONNECTION_CLOSED', { where: this.#parts.what, reason });
  }
}
