import { isBerthError, type BerthError } from '../../base/errors.ts';
import type { CallTable } from '../rpc/call-table.ts';
import type { Clock } from '../rpc/clock.ts';
import { DEADLINE_MS_MAX, within, type Wait } from '../rpc/wait.ts';
import type { EventSink } from './event-feed.ts';
import type { EventKind } from './event-kind.ts';
import type { EventRouter, Expectation } from './event-router.ts';

/** How long one attempt to take a registration back may take; one that never left is made again. */
const DEREGISTER_MS = 5000;

interface SharedParts<E, O> {
  readonly clock: Clock;
  readonly calls: CallTable;
  readonly router: EventRouter;
  readonly kind: EventKind<E, O>;
  readonly object: O | undefined;
  /** The daemon has it no longer, or never had it. */
  readonly onGone: () => void;
}

/** A registration as those see it who share it. */
export interface Registration {
  /** False once it is on its way out. */
  readonly isOpen: boolean;
  /** Settles when the daemon has it no longer, so that another can be made; never rejects. */
  readonly gone: Promise<void>;
  /**
   * Adds one who hears every event from now on, and can read those of its kind; the result takes
   * that back.
   * @throws what the registration failed with; BERTH_DEADLINE, BERTH_INTERRUPTED.
   */
  join(sink: EventSink<unknown>, wait: Wait): Promise<(wait: Wait) => Promise<void>>;
  /** The connection is gone. */
  end(): void;
}

/**
 * One registration at the daemon, and all who hear its events. It belongs to none of them: who made
 * it may leave first. Once nobody is left it takes itself back and is open to nobody any more.
 */
export class SharedRegistration<E, O> implements EventSink<E>, Registration {
  readonly gone: Promise<void>;
  readonly #parts: SharedParts<E, O>;
  readonly #sinks = new Set<EventSink<E>>();
  readonly #abandon = new AbortController();
  readonly #registered: Promise<void>;
  readonly #settleGone: () => void;
  #callbackId: number | undefined;
  #isOpen = true;
  /** What came for it before its reply; only while that is awaited. */
  #expectation: Expectation | undefined;
  #isGone = false;

  constructor(parts: SharedParts<E, O>) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gone = promise;
    this.#settleGone = resolve;
    this.#parts = parts;
    this.#registered = this.#register();
    this.#registered.catch(() => undefined); // who waits for it may have given up before
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async join(sink: EventSink<E>, wait: Wait): Promise<(wait: Wait) => Promise<void>> {
    const { kind, clock } = this.#parts;
    this.#sinks.add(sink);
    try {
      await within(this.#registered, kind.source.register.name, clock, wait);
    } catch (error) {
      this.#leave(sink);
      throw error;
    }
    return async (wait) => {
      if (!this.#leave(sink)) return;
      // A daemon that is not told sends what is then dropped here; so failing is no failure.
      await within(this.gone, kind.source.deregister.name, clock, wait).catch(() => undefined);
    };
  }

  push(event: E): void {
    for (const sink of this.#sinks) sink.push(event);
  }

  lose(error: BerthError): void {
    for (const sink of this.#sinks) sink.lose(error);
  }

  end(error?: BerthError): void {
    if (error !== undefined) for (const sink of this.#sinks) sink.end(error);
    this.#finish();
  }

  /** True for the last one. */
  #leave(sink: EventSink<E>): boolean {
    this.#sinks.delete(sink);
    if (this.#sinks.size > 0 || !this.#isOpen) return false;
    this.#isOpen = false;
    if (this.#callbackId === undefined) this.#abandon.abort();
    else void this.#takeBack(this.#callbackId);
    return true;
  }

  /** Waits as long as anybody does: each who joins has a wait of their own. */
  async #register(): Promise<void> {
    const { calls, kind, object, router } = this.#parts;
    const { eventId, source } = kind;
    const wait = { deadlineMs: DEADLINE_MS_MAX, signal: this.#abandon.signal };
    try {
      await calls.call(source.register, { eventId, object }, wait, {
        depart: () => {
          this.#expectation = router.expect(kind);
        },
        accept: ({ callbackId }) => {
          this.#callbackId = callbackId;
          router.add(kind, callbackId, this, this.#unexpect());
        },
        late: ({ callbackId }) => void this.#takeBack(callbackId),
        refused: () => this.#finish(),
        unreadable: () => this.#finish(),
      });
    } catch (error) {
      this.#isOpen = false;
      if (this.#expectation === undefined) this.#finish(); // it never left, or was answered
      throw error;
    }
  }

  async #takeBack(callbackId: number): Promise<void> {
    const { calls, kind, router } = this.#parts;
    router.remove(kind, callbackId);
    this.#unexpect();
    let hasLeft = false;
    const done = (): void => this.#finish();
    const taking = {
      depart: () => {
        hasLeft = true;
      },
      accept: done,
      late: done,
      refused: done,
      unreadable: done,
    };
    try {
      const wait = { deadlineMs: DEREGISTER_MS };
      await calls.call(kind.source.deregister, { callbackId }, wait, taking);
    } catch (error) {
      if (hasLeft) return; // its reply is still to come, or the end
      if (isBerthError(error, 'BERTH_DEADLINE')) return this.#takeBack(callbackId);
      this.#finish();
    }
  }

  /** Ends the keeping of what comes early, and gives it. */
  #unexpect(): Expectation | undefined {
    const expectation = this.#expectation;
    this.#expectation = undefined;
    if (expectation !== undefined) this.#parts.router.unexpect(expectation);
    return expectation;
  }

  #finish(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#isOpen = false;
    this.#unexpect();
    this.#parts.onGone();
    this.#settleGone();
  }
}
