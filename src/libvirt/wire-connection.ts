import type { Duplex } from 'node:stream';
import { berthError, type BerthError } from '../base/errors.ts';
import type { Closure, OpenedStream, StreamFor, Subscription } from './connection.ts';
import { closeReason, isCloseEvent } from './events/close-event.ts';
import { BoundedFeed, checkLimit, type EventFeed, type EventSink } from './events/event-feed.ts';
import type { EventKind } from './events/event-kind.ts';
import { EventRegistrations } from './events/event-registrations.ts';
import { EventRouter } from './events/event-router.ts';
import { ConnectFeature } from './flags/connect-flags.ts';
import { connectClose } from './procedures/connect.ts';
import { CallTable } from './rpc/call-table.ts';
import type { Clock } from './rpc/clock.ts';
import { encodeHeader, FrameStatus, FrameType, Program, type Frame } from './rpc/frame.ts';
import { Keepalive, KeepaliveProcedure, type KeepaliveRhythm } from './rpc/keepalive.ts';
import type { Taking } from './rpc/pending-call.ts';
import type { CallProcedure, StreamDirection, StreamProcedure } from './rpc/procedure.ts';
import type { Wait } from './rpc/wait.ts';
import { Wire } from './rpc/wire.ts';
import { StreamTable } from './streams/stream-table.ts';
import type { LibvirtUri } from './uri.ts';

interface ConnectionParts {
  readonly uri: LibvirtUri;
  readonly socket: Duplex;
  readonly clock: Clock;
}

/** Takes a reply's result as it is. */
const AS_IT_IS = { accept: <R>(result: R): R => result };

/** A connection over one byte stream. It is of use once the opening sequence has run (open-wire.ts). */
export class WireConnection {
  readonly uri: LibvirtUri;
  readonly closed: Promise<Closure>;
  /** Settles when callers gave up on all the calls of the window, so that no other can be sent. */
  readonly stuck: Promise<void>;
  #libVersion = 0;
  readonly #features = new Set<number>();
  readonly #parts: ConnectionParts;
  readonly #wire: Wire;
  readonly #calls: CallTable;
  readonly #streams: StreamTable;
  readonly #events = new EventRouter();
  readonly #registrations: EventRegistrations;
  readonly #settleClosed: (closure: Closure) => void;
  #keepalive: Keepalive | undefined;
  #closing: Promise<void> | undefined;
  #isOver = false;

  constructor(parts: ConnectionParts) {
    const { promise, resolve } = Promise.withResolvers<Closure>();
    this.uri = parts.uri;
    const stuck = Promise.withResolvers<void>();
    this.closed = promise;
    this.stuck = stuck.promise;
    this.#settleClosed = resolve;
    this.#parts = parts;
    this.#wire = new Wire(parts.socket, {
      where: parts.uri.text,
      onBytes: () => this.#keepalive?.heard(),
      onFrame: (frame) => this.#receive(frame),
      onEnd: (error) => this.#end(error),
    });
    const { clock } = parts;
    this.#streams = new StreamTable({
      clock,
      send: (header, data, flushed, left) => this.#wire.sendParts(header, data, flushed, left),
      pause: () => this.#wire.pause(),
      resume: () => this.#wire.resume(),
    });
    this.#calls = new CallTable({
      clock,
      send: (message) => this.#wire.send(message),
      isTaken: (serial) => this.#streams.has(serial),
      onStuck: stuck.resolve,
    });
    const router = this.#events;
    this.#registrations = new EventRegistrations({ clock, calls: this.#calls, router });
  }

  get libVersion(): number {
    return this.#libVersion;
  }

  has(feature: number): boolean {
    return this.#features.has(feature);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** True while it waits for nothing: no call, and no stream, one that is being aborted included. */
  get isQuiet(): boolean {
    return this.#calls.unanswered === 0 && this.#streams.isEmpty;
  }

  /** What the opening sequence learnt. */
  introduce(libVersion: number, features: Iterable<number>): void {
    this.#libVersion = libVersion;
    for (const feature of features) this.#features.add(feature);
  }

  /** Starts to watch for a dead peer; only after the daemon agreed to keepalive. */
  watch(rhythm: KeepaliveRhythm): void {
    this.#features.add(ConnectFeature.keepalive);
    this.#keepalive = new Keepalive(rhythm, {
      clock: this.#parts.clock,
      ping: () => this.#wire.send(keepaliveMessage(KeepaliveProcedure.ping)),
      dead: (ms) => this.#wire.end(this.#closedError(`no sign of life for ${ms} ms`)),
      isPaused: () => this.#wire.isPaused,
    });
  }

  async call<A, R>(procedure: CallProcedure<A, R>, args: NoInfer<A>, wait: Wait): Promise<R> {
    return this.#calls.call<A, R, R>(procedure, args, wait, AS_IT_IS);
  }

  /** As `call`, with a say in what becomes of the reply. */
  async callTaking<A, R, T>(
    procedure: CallProcedure<A, R>,
    args: NoInfer<A>,
    wait: Wait,
    taking: Taking<R, T>,
  ): Promise<T> {
    return this.#calls.call(procedure, args, wait, taking);
  }

  /** Opens a stream on this very connection: while nobody reads it, everything here stands still. */
  async openStream<A, R, D extends StreamDirection>(
    procedure: StreamProcedure<A, R, D>,
    args: NoInfer<A>,
    wait: Wait,
  ): Promise<OpenedStream<R, D>> {
    const taking = this.#streams.opening<A, R>(procedure, args);
    const { result, stream } = await this.#calls.call(procedure, args, wait, taking);
    // The class is all three kinds of stream; its constructor switched off the unused side.
    return { result, stream: stream.handOver() as unknown as StreamFor<D> };
  }

  async subscribe<E, O>(
    kind: EventKind<E, O>,
    { object, limit }: Subscription<O>,
    wait: Wait,
  ): Promise<EventFeed<E>> {
    const feed: BoundedFeed<E> = new BoundedFeed<E>({
      what: `${kind.name} of ${this.uri.text}`,
      limit: checkLimit(limit, kind.name),
      clock: this.#parts.clock,
      release: async (wait) => release(wait),
    });
    const release = await this.listen(kind, object, feed, wait);
    return feed;
  }

  /** Has a sink get the events of a registration, its own or shared; the result takes that back. */
  async listen<E, O>(
    kind: EventKind<E, O>,
    object: O | undefined,
    sink: EventSink<E>,
    wait: Wait,
  ): Promise<(wait: Wait) => Promise<void>> {
    return this.#registrations.listen(kind, object, sink, wait);
  }

  async close(wait: Wait): Promise<void> {
    this.#closing ??= this.#goodBye(wait);
    await this.#closing;
  }

  /** Refuses every call that has not been sent, now and later. */
  refuse(error: BerthError): void {
    this.#calls.refuse(error);
  }

  /** Lets go of the socket without a good-bye. */
  destroy(reason: string): void {
    this.#wire.end(this.#closedError(reason));
  }

  async #goodBye(wait: Wait): Promise<void> {
    const error = this.#closedError('it was closed here');
    this.#calls.refuse(error);
    try {
      await this.#calls.call(connectClose, {}, wait, { accept: () => undefined }, true);
    } catch {
      // Unanswered, refused or cut off: the socket is closed all the same, and that ends it there.
    }
    this.#wire.end(error);
  }

  #receive(frame: Frame): void {
    if (frame.program === Program.keepalive) {
      // Who asks on and on without reading the answers gets no more of them.
      if (frame.procedure !== KeepaliveProcedure.ping || this.#wire.isFull) return;
      return this.#wire.send(keepaliveMessage(KeepaliveProcedure.pong));
    }
    switch (frame.type) {
      case FrameType.reply:
      case FrameType.replyWithFds:
        this.#calls.reply(frame);
        return this.#streams.deliver(frame); // of a stream whose hole failed
      case FrameType.message:
        if (isCloseEvent(frame)) return this.destroy(closeReason(frame));
        return this.#events.deliver(frame);
      case FrameType.stream:
      case FrameType.streamHole:
        return this.#streams.deliver(frame);
      default:
        throw berthError('BERTH_PROTOCOL', {
          where: this.uri.text,
          problem: `it sent a message of type ${frame.type}, which only clients send`,
        });
    }
  }

  #end(error: BerthError): void {
    this.#isOver = true;
    this.#keepalive?.stop();
    this.#calls.end(error);
    this.#streams.end(error);
    this.#events.end(error);
    this.#registrations.end();
    this.#settleClosed({ asked: this.#closing !== undefined, error });
  }

  #closedError(reason: string): BerthError {
    return berthError('BERTH_CONNECTION_CLOSED', { where: this.uri.text, reason });
  }
}

function keepaliveMessage(procedure: number): Buffer {
  const header = { program: Program.keepalive, procedure, serial: 0 };
  return encodeHeader({ ...header, type: FrameType.message, status: FrameStatus.ok }, 0);
}
