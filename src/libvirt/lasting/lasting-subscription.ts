import { berthError, isBerthError, type BerthError } from '../../base/errors.ts';
import type { Subscription } from '../connection.ts';
import type { DaemonConnection } from '../daemon-connection.ts';
import { BoundedFeed, checkLimit, type EventFeed, type EventSink } from '../events/event-feed.ts';
import type { EventKind } from '../events/event-kind.ts';
import { isLibvirtError } from '../libvirt-error.ts';
import type { Clock } from '../rpc/clock.ts';
import type { Wait } from '../rpc/wait.ts';

interface SubscriptionParts<E, O> {
  readonly kind: EventKind<E, O>;
  readonly subscription: Subscription<O>;
  /** Names the daemon in errors. */
  readonly where: string;
  readonly clock: Clock;
  /** The reader closed the feed. */
  readonly onClose: () => void;
}

/** How long the daemon's answer is waited for when a subscription ends that nobody could use. */
const RELEASE_MS = 5000;

/** A subscription as the connection that keeps it up sees it, whatever its events are. */
export interface KeptSubscription {
  isOn(connection: DaemonConnection): boolean;
  /** Registers there; what comes is held back until `deliver`. */
  register(connection: DaemonConnection, wait: Wait): Promise<void>;
  /** Hands out what was held back, behind a gap when the connection had been away. */
  deliver(): void;
  /** The connection is gone: what comes from it still does not count. */
  detach(reason: BerthError): void;
  /** Ends it, and takes back what it still has. */
  end(error: unknown): void;
}

/** One subscription over many connections: a single feed, with a gap at each change of them. */
export class LastingSubscription<E, O> implements KeptSubscription {
  readonly #parts: SubscriptionParts<E, O>;
  readonly #feed: BoundedFeed<E>;
  readonly #limit: number;
  readonly #first = Promise.withResolvers<void>();
  #line: Line<E> | undefined;
  #on: DaemonConnection | undefined;
  #release: ((wait: Wait) => Promise<void>) | undefined;
  #missed: BerthError | undefined;

  constructor(parts: SubscriptionParts<E, O>) {
    const { kind, subscription, where, clock } = parts;
    this.#parts = parts;
    this.#limit = checkLimit(subscription.limit, kind.name);
    this.#first.promise.catch(() => undefined); // its caller may have given up before
    this.#feed = new BoundedFeed<E>({
      what: `${kind.name} of ${where}`,
      limit: this.#limit,
      clock,
      release: async (wait) => this.#close(wait),
    });
  }

  get feed(): EventFeed<E> {
    return this.#feed;
  }

  /** Settles when it has been registered for the first time; rejects when that was refused. */
  get registered(): Promise<void> {
    return this.#first.promise;
  }

  isOn(connection: DaemonConnection): boolean {
    return this.#on === connection;
  }

  async register(connection: DaemonConnection, wait: Wait): Promise<void> {
    const { kind, subscription } = this.#parts;
    const line = new Line(this.#feed, this.#limit);
    this.#line = line;
    this.#on = connection;
    let release: (wait: Wait) => Promise<void>;
    try {
      release = await connection.listen(kind, subscription.object, line, wait);
    } catch (error) {
      if (line.isCut) return; // the connection was let go: the next one decides
      line.cut();
      this.#on = undefined;
      throw error;
    }
    if (line.isCut) return void release(wait);
    this.#release = release;
    this.#first.resolve();
  }

  deliver(): void {
    this.#line?.open(this.#missed);
    this.#missed = undefined;
  }

  detach(reason: BerthError): void {
    if (this.#on === undefined) return;
    const wasRegistered = this.#release !== undefined;
    this.#on = undefined;
    this.#release = undefined;
    this.#line?.cut();
    if (!wasRegistered) return;
    const what = this.#parts.kind.name;
    this.#missed ??= berthError(
      'BERTH_EVENTS_MISSED',
      { what: `${what} of ${this.#parts.where}`, reason: reason.message },
      { cause: reason },
    );
  }

  end(error: unknown): void {
    this.#first.reject(error);
    void this.#letGo({ deadlineMs: RELEASE_MS });
    this.#feed.end(codedEnd(error, this.#parts.kind.name));
  }

  async #close(wait: Wait): Promise<void> {
    this.#parts.onClose();
    await this.#letGo(wait);
  }

  /** Takes the registration back; one that is still unanswered, once it is answered. */
  async #letGo(wait: Wait): Promise<void> {
    this.#line?.cut();
    const release = this.#release;
    this.#release = undefined;
    await release?.(wait);
  }
}

/** What one registration brings: held back at first, then passed on, in the end ignored. */
class Line<E> implements EventSink<E> {
  readonly #feed: BoundedFeed<E>;
  readonly #limit: number;
  #held: E[] | undefined = [];
  #lost: BerthError | undefined;
  /** True once nothing that comes here counts. */
  isCut = false;

  constructor(feed: BoundedFeed<E>, limit: number) {
    this.#feed = feed;
    this.#limit = limit;
  }

  push(event: E): void {
    if (this.isCut) return;
    if (this.#held === undefined) return this.#feed.push(event);
    if (this.#lost !== undefined) return;
    if (this.#held.length < this.#limit) this.#held.push(event);
    else {
      const what = 'the events behind a new registration';
      this.#lost = berthError('BERTH_OVERFLOW', { what, max: this.#limit });
    }
  }

  lose(error: BerthError): void {
    if (this.isCut) return;
    if (this.#held === undefined) this.#feed.lose(error);
    else this.#lost ??= error;
  }

  /** The end of one connection is not the end of the feed: whoever keeps it up decides. */
  end(): void {}

  open(missed: BerthError | undefined): void {
    if (this.isCut || this.#held === undefined) return;
    const held = this.#held;
    this.#held = undefined;
    if (missed !== undefined) this.#feed.miss(missed);
    for (const event of held) this.#feed.push(event);
    if (this.#lost !== undefined) this.#feed.lose(this.#lost);
  }

  cut(): void {
    this.isCut = true;
    this.#held = undefined;
  }
}

/** A feed ends with a coded error, also where libvirt refused to register it again. */
function codedEnd(error: unknown, name: string): BerthError {
  if (isBerthError(error)) return error;
  const cause = { cause: error };
  if (!isLibvirtError(error)) return berthError('BERTH_INTERNAL', { what: name }, cause);
  const { procedure, code, domain, message } = error;
  return berthError('BERTH_LIBVIRT_REFUSED', { procedure, code, domain, message }, cause);
}
