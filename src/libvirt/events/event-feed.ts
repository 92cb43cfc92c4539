import { berthError, type BerthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import { interrupted, shareWait, within, type Wait } from '../rpc/wait.ts';

/** Events that may wait in a feed unless its subscriber chose another limit. */
const EVENTS_WAITING_DEFAULT = 1024;

/** The largest such limit. */
const EVENTS_WAITING_MAX = 65_536;

/**
 * The events of one subscription, in the daemon's order. Nothing is lost silently: where events
 * had to be dropped, reading throws once at that place (BERTH_OVERFLOW when the reader was too
 * slow, BERTH_PROTOCOL when a message could not be read, BERTH_EVENTS_MISSED where a lasting
 * connection was away). Read the whole state again then; the feed itself goes on.
 */
export interface EventFeed<E> extends AsyncIterable<E>, AsyncDisposable {
  /**
   * The next event.
   * @throws BERTH_DEADLINE, BERTH_INTERRUPTED, BERTH_OVERFLOW, BERTH_PROTOCOL, BERTH_EVENTS_MISSED,
   * and BERTH_CONNECTION_CLOSED once the connection has ended and everything before has been read.
   */
  take(wait: Wait): Promise<E>;
  /** Everything that waits now, at once. @throws like `take`, but never waits. */
  drain(): readonly E[];
  /** Ends the feed and tells the daemon. A loop over the feed ends; leaving the loop closes too. */
  close(wait: Wait): Promise<void>;
}

/** Where a connection puts the events of a registration. */
export interface EventSink<E> {
  push(event: E): void;
  /** An event is missing here. */
  lose(error: BerthError): void;
  /** The connection is gone. */
  end(error: BerthError): void;
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

/** A place in the row at which events are missing. */
class Gap {
  readonly error: BerthError;
  /** True while what comes behind it is part of it, until it has been read. */
  swallows: boolean;

  constructor(error: BerthError, swallows: boolean) {
    this.error = error;
    this.swallows = swallows;
  }
}

/** Entries that were read stay in the row until they are as many; then they are cut off at once. */
const CUT_AT = 1024;

/** The feed itself, as the connection fills it. */
export class BoundedFeed<E> implements EventFeed<E>, EventSink<E> {
  readonly #parts: FeedParts;
  /** What waits to be read begins at `#head`: taking the first of a long array moves all the others. */
  #row: (E | Gap)[] = [];
  #head = 0;
  /** Who waits for an event now; one that stops waiting takes itself out. */
  readonly #readers = new Set<() => void>();
  #ending: 'closed' | BerthError | undefined;

  constructor(parts: FeedParts) {
    this.#parts = parts;
  }

  /** Adds an event; while an overflow waits to be noticed, what comes behind it is part of it. */
  push(event: E): void {
    const tail = this.#row.at(-1);
    if (this.#ending !== undefined || (tail instanceof Gap && tail.swallows)) return;
    const { what, limit } = this.#parts;
    if (this.#row.length - this.#head < limit) this.#row.push(event);
    else this.#mark(berthError('BERTH_OVERFLOW', { what, max: limit }), true);
    this.#wake();
  }

  lose(error: BerthError): void {
    this.#mark(error, true);
  }

  /** Events may be missing here; those behind it are kept. */
  miss(error: BerthError): void {
    this.#mark(error, false);
  }

  end(error: BerthError): void {
    this.#ending ??= error;
    this.#wake();
  }

  async take(wait: Wait): Promise<E> {
    const { clock } = this.#parts;
    const what = `the next of ${this.#parts.what}`;
    const rest = shareWait(clock, wait, what);
    for (;;) {
      if (wait.signal?.aborted === true) throw interrupted(what, wait);
      const event = this.#next();
      if (event === 'closed') throw this.#closed();
      if (event !== undefined) return event.value;
      await this.#arrival(async (arrival) => within(arrival, what, clock, rest()));
    }
  }

  drain(): readonly E[] {
    const events: E[] = [];
    for (let first = this.#row[this.#head]; this.#head < this.#row.length;) {
      if (first instanceof Gap) break;
      events.push(first as E);
      first = this.#row[++this.#head];
    }
    if (events.length === 0) this.#next();
    this.#cut(0);
    return events;
  }

  async close(wait: Wait): Promise<void> {
    if (this.#ending !== undefined) return;
    this.#ending = 'closed';
    this.#row = [];
    this.#head = 0;
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
          await this.#arrival(async (arrival) => arrival);
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
    if (this.#head < this.#row.length) {
      const first = this.#row[this.#head++];
      this.#cut(CUT_AT);
      if (first instanceof Gap) throw first.error;
      return { value: first as E }; // the row holds nothing else below its length
    }
    if (this.#ending === undefined || this.#ending === 'closed') return this.#ending;
    throw this.#ending;
  }

  /** Lets go of what has been read, once there is enough of it. */
  #cut(least: number): void {
    if (this.#head < least && this.#head < this.#row.length) return;
    this.#row.splice(0, this.#head);
    this.#head = 0;
  }

  /** Two gaps without an event between them are one: whoever reads it reads everything again. */
  #mark(error: BerthError, swallows: boolean): void {
    if (this.#ending !== undefined) return;
    const tail = this.#row.at(-1);
    if (tail instanceof Gap) tail.swallows ||= swallows;
    else this.#row.push(new Gap(error, swallows));
    this.#wake();
  }

  /** Waits until there is something to read, as long as `patience` lets it. */
  async #arrival(patience: (arrival: Promise<void>) => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#readers.add(resolve);
    try {
      await patience(promise);
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

/**
 * The number of events that may wait, as a subscription gave it.
 * @throws BERTH_SPEC_INVALID naming the events.
 */
export function checkLimit(limit: number | undefined, name: string): number {
  if (limit === undefined) return EVENTS_WAITING_DEFAULT;
  if (Number.isInteger(limit) && limit >= 1 && limit <= EVENTS_WAITING_MAX) return limit;
  throw berthError('BERTH_SPEC_INVALID', {
    where: `limit of ${name}`,
    problem: `${limit} events cannot wait`,
    expected: `a number from 1 to ${EVENTS_WAITING_MAX}`,
  });
}
