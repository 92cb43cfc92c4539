import { berthError, isBerthError, type BerthError } from '../../base/errors.ts';
import type { Frame } from '../rpc/frame.ts';
import { XdrReader } from '../xdr/xdr-reader.ts';
import type { EventSink } from './event-feed.ts';
import type { EventKind } from './event-kind.ts';

/** Messages without a feed that are kept while a registration is under way. */
const EARLY_MAX = 1024;

interface Route {
  readonly deliver: (reader: XdrReader) => void;
  readonly lose: (error: BerthError) => void;
  readonly end: (error: BerthError) => void;
}

/**
 * Brings event messages to their feeds. The procedure number of a message says the source and the
 * kind, the callback id in front of its body which subscription; 0 is an id like any other.
 */
export class EventRouter {
  readonly #routes = new Map<string, Route>();
  readonly #early: Frame[] = [];
  /** Early messages that were one too many: whoever they were for has to be told. */
  #earlyLost = false;
  #registering = 0;

  /** A registration is under way: its first events may overtake its reply. */
  expect(): void {
    this.#registering++;
  }

  /** It has been answered, or never will be. */
  unexpect(): void {
    this.#registering--;
    if (this.#registering > 0) return;
    this.#early.length = 0;
    this.#earlyLost = false;
  }

  /** Connects a subscription with its sink, and gives it what came too early. */
  add<E, O>(kind: EventKind<E, O>, callbackId: number, sink: EventSink<E>): void {
    this.#routes.set(keyOf(kind.program, kind.message, callbackId), {
      deliver: (reader) => {
        const event = kind.body.read(reader);
        reader.end();
        sink.push(event);
      },
      lose: (error) => sink.lose(error),
      end: (error) => sink.end(error),
    });
    for (const frame of this.#early.splice(0)) this.deliver(frame);
    if (!this.#earlyLost) return;
    const what = `events before the reply to the registration of ${kind.name}`;
    sink.lose(berthError('BERTH_OVERFLOW', { what, max: EARLY_MAX }));
  }

  remove<E, O>(kind: EventKind<E, O>, callbackId: number): void {
    this.#routes.delete(keyOf(kind.program, kind.message, callbackId));
  }

  /** Hands on one message. Those of kinds or subscriptions unknown here are dropped. */
  deliver(frame: Frame): void {
    const reader = new XdrReader(frame.payload, `event ${frame.procedure}`);
    if (frame.payload.length < 4) return;
    const route = this.#routes.get(keyOf(frame.program, frame.procedure, reader.i32()));
    if (route === undefined) {
      if (this.#registering > 0) this.#keepEarly(frame);
      return;
    }
    try {
      route.deliver(reader);
    } catch (error) {
      route.lose(unreadable(frame, error));
    }
  }

  #keepEarly(frame: Frame): void {
    if (this.#early.length < EARLY_MAX) this.#early.push(frame);
    else this.#earlyLost = true;
  }

  /** The connection is gone. */
  end(error: BerthError): void {
    for (const route of this.#routes.values()) route.end(error);
    this.#routes.clear();
  }
}

function keyOf(program: number, message: number, callbackId: number): string {
  return `${program}/${message}/${callbackId}`;
}

function unreadable(frame: Frame, error: unknown): BerthError {
  if (isBerthError(error)) return error;
  const where = `event ${frame.procedure}`;
  return berthError('BERTH_PROTOCOL', { where, problem: 'it cannot be read' }, { cause: error });
}
