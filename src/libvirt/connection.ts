import type { Duplex, Readable, Writable } from 'node:stream';
import type { BerthError } from '../base/errors.ts';
import type { EventFeed } from './events/event-feed.ts';
import type { EventKind } from './events/event-kind.ts';
import type { CallProcedure, StreamDirection, StreamProcedure } from './rpc/procedure.ts';
import type { Wait } from './rpc/wait.ts';
import type { LibvirtUri } from './uri.ts';

/** The Node stream that fits the direction in which a stream's data go. */
export type StreamFor<D extends StreamDirection> = {
  read: Readable;
  write: Writable;
  both: Duplex;
}[D];

/** A stream that was opened, with what the opening call answered. */
export interface OpenedStream<R, D extends StreamDirection> {
  readonly result: R;
  readonly stream: StreamFor<D>;
}

/** Which events a subscription wants. */
export interface Subscription<O> {
  /** Only those about this object; all when left out. */
  readonly object?: O | undefined;
  /** Events that may wait to be read, 1 to 65,536; 1024 unless said otherwise. */
  readonly limit?: number | undefined;
}

/** Why a connection ended. */
export interface Closure {
  /** True when `close` was called here. */
  readonly asked: boolean;
  /** BERTH_CONNECTION_CLOSED, or BERTH_PROTOCOL when the other side broke the protocol. */
  readonly error: BerthError;
}

/**
 * A connection to a libvirt daemon. Calls run in parallel and answer in any order: await one
 * before making another that depends on it. At most four are on their way at a time; the rest
 * wait here. A call whose caller gave up still counts until the daemon answers it, because the
 * daemon counts it too: four that it never answers (a guest's monitor hangs) stop the connection
 * for good, and only another one helps, which a lasting connection opens by itself. The calls
 * behind them end at their deadlines unsent.
 */
export interface Connection extends AsyncDisposable {
  readonly uri: LibvirtUri;
  /** Version of libvirt there: major * 1,000,000 + minor * 1,000 + micro. */
  readonly libVersion: number;
  /** Settles when the connection has ended, for whatever reason; never rejects. */
  readonly closed: Promise<Closure>;

  /** True when the daemon said at the start that it has the feature, a ConnectFeature. */
  has(feature: number): boolean;

  /**
   * Makes a call.
   * @throws LibvirtError for libvirt's own refusal; BERTH_OUTCOME_UNKNOWN when a call that changes
   * something was sent and its reply never came, with what ended the waiting as its cause (the
   * signal's reason where it was aborted); for any other call without a reply
   * BERTH_DEADLINE, BERTH_INTERRUPTED or BERTH_CONNECTION_CLOSED; BERTH_PROTOCOL for a reply that
   * cannot be read; BERTH_SPEC_INVALID or BERTH_TOO_LARGE for arguments that cannot be sent.
   */
  call<A, R>(procedure: CallProcedure<A, R>, args: NoInfer<A>, wait: Wait): Promise<R>;

  /**
   * Opens a stream, on a connection of its own that is opened for it or left over from another: data
   * that nobody reads hold up nothing else. Streams beyond the bounds wait for their turn; all end
   * with this connection, and one whose `error` nobody hears then ends the process, as Node's streams
   * do. The wait covers the opening only.
   * @throws like `call` and `connect`.
   */
  openStream<A, R, D extends StreamDirection>(
    procedure: StreamProcedure<A, R, D>,
    args: NoInfer<A>,
    wait: Wait,
  ): Promise<OpenedStream<R, D>>;

  /**
   * Registers for events. No event behind the registration's reply is missed. Any number of feeds may
   * be about the same: they share one registration, and each gets all events from when it joined.
   * @throws like `call`.
   */
  subscribe<E, O>(
    kind: EventKind<E, O>,
    subscription: Subscription<O>,
    wait: Wait,
  ): Promise<EventFeed<E>>;

  /**
   * Ends all streams, says good-bye and closes. Calls that were never sent are rejected at once, as
   * BERTH_CONNECTION_CLOSED. Those that were sent, four at most, may still be answered until the
   * daemon answers the good-bye or the deadline comes; then they are rejected too, with the outcome
   * unknown if they change something. The socket is closed in any case.
   */
  close(wait: Wait): Promise<void>;
}
