import { berthError, isBerthError, type BerthError } from '../../base/errors.ts';
import type { Frame } from '../rpc/frame.ts';
import { XdrReader } from '../xdr/xdr-reader.ts';
import type { EventSink } from './event-feed.ts';
import type { EventKind } from './event-kind.ts';

/** Messages without a feed that are kept for a registration that is under way. */
const EARLY_MAX = 1024;

interface Route {
  readonly deliver: (reader: XdrReader) => void;
  readonly lose: (error: BerthError) => void;
  readonly end: (error: BerthError) => void;
}

/** What came for nobody, of the kind of a registration, since that was sent. */
export interface Expectation {
  readonly program: number;
  readonly message: number;
  readonly early: Frame[];
  /** Messages that were one too many: whoever they were for has to be told. */
  hasLost: boolean;
}

/**
 * Brings event messages to their feeds. The procedure number of a message says the source and the
 * kind, the callback id in front of its body which subscription; 0 is an id like any other.
 */
export class EventRouter {
  readonly #routes = new Map<string, Route>();
  readonly #expected = new Set<Expectation>();

  /**
   * A registration is sent: its first events may overtake its reply. Each keeps its own, so that one
   * that is never answered costs the others nothing.
   */
  expect<E, O>({ program, message }: EventKind<E, O>): Expectation {
    const expectation = { program, message, early: [], hasLost: false };
    this.#expected.add(expectation);
    return expectation;
  }

  /** It has been answered, or never will be. */
  unexpect(expectation: Expectation): void {
    this.#expected.delete(expectation);
  }

  /** Connects a subscription with its sink, and gives it what came too early. */
  add<E, O>(
    kind: EventKind<E, O>,
    callbackId: number,
    sink: EventSink<E>,
    expected: Expectation | undefined,
  ): void {
    this.#routes.set(keyOf(kind.program, kind.message, callbackId), {
      deliver: (reader) => {
        const event = kind.body.read(reader);
        reader.end();
        sink.push(event);
      },
      lose: (error) => sink.lose(error),
      end: (error) => sink.end(error),
    });
    for (const frame of expected?.early ?? []) {
      if (callbackIdOf(frame) === callbackId) this.deliver(frame);
    }
    if (expected?.hasLost !== true) return;
    const what = `events before the reply to the registration of ${kind.name}`;
    sink.lose(berthError('BERTH_OVERFLOW', { what, max: EARLY_MAX }));
  }

  remove<E, O>(kind: EventKind<E, O>, callbackId: number): void {
    this.#routes.delete(keyOf(kind.program, kind.message, callbackId));
  }

  /** Hands on one message. Those of kinds or subscriptions unknown here are dropped. */
  deliver(frame: Frame): void {
    if (frame.payload.length < 4) return;
    const { program, procedure } = frame;
    const route = this.#routes.get(keyOf(program, procedure, callbackIdOf(frame)));
    if (route === undefined) return this.#keepEarly(frame);
    const reader = new XdrReader(frame.payload, `event ${procedure}`);
    reader.i32(); // the callback id
    try {
      route.deliver(reader);
    } catch (error) {
      route.lose(unreadable(frame, error));
    }
  }

  #keepEarly(frame: Frame): void {
    for (const one of this.#expected) {
      if (one.program !== frame.program || one.message !== frame.procedure) continue;
      if (one.early.length < EARLY_MAX) one.early.push(frame);
      else one.hasLost = true;
    }
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

function callbackIdOf({ payload }: Frame): number {
  return payload.readInt32BE(0);
}

function unreadable(frame: Frame, error: unknown): BerthError {
  if (isBerthError(error)) return error;
  const where = `event ${frame.procedure}`;
  return berthError('BERTH_PROTOCOL', { where, problem: 'it cannot be read' }, { cause: error });
}
