import { present } from '../../base/assert.ts';
import type { BerthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import { FrameStatus, FrameType, type Frame, type FrameHeader } from '../rpc/frame.ts';
import type { Taking } from '../rpc/pending-call.ts';
import type { Procedure, StreamDirection, StreamProcedure } from '../rpc/procedure.ts';
import { RemoteStream, type StreamLine } from './remote-stream.ts';

/**
 * How long a stream that was given up waits for the daemon to confirm. After that it is closed
 * here all the same, and what still comes is dropped.
 */
export const STREAM_ABORT_MS = 5000;

/** What the table needs of its connection. */
export interface StreamCarrier {
  readonly clock: Clock;
  readonly send: (
    header: FrameHeader,
    data: Uint8Array,
    flushed?: () => void,
    left?: () => void,
  ) => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

/** A stream that was given up and whose end the daemon has not confirmed. */
class Aborting {
  readonly #settled: () => void;
  #stopClock: (() => void) | undefined;

  /** `settled` is called once, at the latest after STREAM_ABORT_MS. */
  constructor(clock: Clock, settled: () => void) {
    this.#settled = settled;
    this.#stopClock = clock.after(STREAM_ABORT_MS, () => this.settle());
  }

  settle(): void {
    if (this.#stopClock === undefined) return;
    this.#stopClock();
    this.#stopClock = undefined;
    this.#settled();
  }
}

/** The streams of one connection, by the serial of the call that opened each. */
export class StreamTable {
  readonly #carrier: StreamCarrier;
  readonly #streams = new Map<number, RemoteStream | Aborting>();
  #ended = false;

  constructor(carrier: StreamCarrier) {
    this.#carrier = carrier;
  }

  /** True when no stream is open or being aborted. */
  get isEmpty(): boolean {
    return this.#streams.size === 0;
  }

  has(serial: number): boolean {
    return this.#streams.has(serial);
  }

  /**
   * What becomes of a call that opens a stream. The stream is there before the call is sent: the
   * daemon arms it before it answers, so its first data may overtake the reply.
   */
  opening<A, R>(
    procedure: StreamProcedure<A, R, StreamDirection>,
    args: A,
  ): Taking<R, { readonly result: R; readonly stream: RemoteStream }> {
    const kind = { direction: procedure.stream, sparse: procedure.isSparse(args) };
    let stream: RemoteStream | undefined;
    const abandon = (serial: number): void => {
      stream?.letGo();
      this.#abort(headerOf(procedure, serial), () => undefined);
    };
    return {
      depart: (serial) => {
        stream = new RemoteStream(procedure.name, kind, this.#line(headerOf(procedure, serial)));
        this.#streams.set(serial, stream);
      },
      accept: (result) => ({ result, stream: present(stream, 'the stream of a sent call') }),
      gaveUp: (serial) => {
        stream?.letGo();
        this.#dropUntilConfirmed(serial, () => undefined);
      },
      late: (_result, serial) => abandon(serial),
      unreadable: abandon,
      refused: (serial) => {
        stream?.letGo();
        this.#forget(serial);
      },
    };
  }

  /**
   * Hands on one packet. Those of streams that are over are dropped. An error is taken in a reply
   * too: libvirt answers a hole that it cannot make so (libvirt 9.0, virnetserverprogram.c).
   */
  deliver(frame: Frame): void {
    const stream = this.#streams.get(frame.serial);
    const isPacket = frame.type === FrameType.stream || frame.type === FrameType.streamHole;
    if (stream === undefined || (!isPacket && frame.status !== FrameStatus.error)) return;
    if (stream instanceof RemoteStream) return stream.receive(frame);
    if (frame.status === FrameStatus.continue) return;
    this.#forget(frame.serial);
  }

  /** The connection is gone. */
  end(error: BerthError): void {
    this.#ended = true;
    for (const stream of this.#streams.values()) {
      if (stream instanceof RemoteStream) stream.fail(error);
      else stream.settle();
    }
    this.#streams.clear();
  }

  #line(header: StreamHeader): StreamLine {
    const { clock, send, pause, resume } = this.#carrier;
    const hole = { ...header, type: FrameType.streamHole, status: FrameStatus.continue };
    return {
      clock,
      pause,
      resume,
      send: (status, data, flushed, left) => send({ ...header, status }, data, flushed, left),
      sendHole: (data, flushed) => send(hole, data, flushed),
      forget: () => this.#forget(header.serial),
      abort: (settled) => this.#abort(header, settled),
    };
  }

  #abort(header: StreamHeader, settled: () => void): void {
    if (this.#ended) return settled();
    this.#dropUntilConfirmed(header.serial, settled);
    this.#carrier.send({ ...header, status: FrameStatus.error }, Buffer.alloc(0));
  }

  #dropUntilConfirmed(serial: number, settled: () => void): void {
    this.#forget(serial);
    if (!this.#ended) this.#streams.set(serial, new Aborting(this.#carrier.clock, settled));
  }

  #forget(serial: number): void {
    const stream = this.#streams.get(serial);
    this.#streams.delete(serial);
    if (stream instanceof Aborting) stream.settle();
  }
}

type StreamHeader = Omit<FrameHeader, 'status'>;

function headerOf<A, R>({ program, number }: Procedure<A, R>, serial: number): StreamHeader {
  return { program, procedure: number, type: FrameType.stream, serial };
}
