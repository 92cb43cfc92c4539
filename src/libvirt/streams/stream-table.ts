import { present } from '../../base/assert.ts';
import type { BerthError } from '../../base/errors.ts';
import type { Clock } from '../rpc/clock.ts';
import { FrameStatus, FrameType, type Frame, type FrameHeader } from '../rpc/frame.ts';
import type { Taking } from '../rpc/call-table.ts';
import type { Procedure, StreamDirection, StreamProcedure } from '../rpc/procedure.ts';
import { RemoteStream, type StreamLine } from './remote-stream.ts';

/** What the table needs of its connection. */
export interface StreamCarrier {
  readonly clock: Clock;
  readonly send: (header: FrameHeader, data: Uint8Array, flushed?: () => void) => void;
  readonly pause: () => void;
  readonly resume: () => void;
}

/** The streams of one connection, by the serial of the call that opened each. */
export class StreamTable {
  readonly #carrier: StreamCarrier;
  readonly #streams = new Map<number, RemoteStream | 'aborting'>();

  constructor(carrier: StreamCarrier) {
    this.#carrier = carrier;
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
  ): Taking<R, { readonly result: R; readonly stream: RemoteStream }> {
    let stream: RemoteStream | undefined;
    const abandon = (serial: number): void => {
      stream?.letGo();
      const line = this.#line(procedure, serial);
      line.abort();
      line.send(FrameStatus.error, Buffer.alloc(0));
    };
    return {
      depart: (serial) => {
        const line = this.#line(procedure, serial);
        stream = new RemoteStream(procedure.name, procedure.stream, line);
        this.#streams.set(serial, stream);
      },
      accept: (result) => ({ result, stream: present(stream, 'the stream of a sent call') }),
      gaveUp: (serial) => {
        stream?.letGo();
        this.#streams.set(serial, 'aborting');
      },
      late: (_result, serial) => abandon(serial),
      unreadable: abandon,
      refused: (serial) => {
        stream?.letGo();
        this.#streams.delete(serial);
      },
    };
  }

  /** Hands on one packet. Those of streams that are over are dropped. */
  deliver(frame: Frame): void {
    const stream = this.#streams.get(frame.serial);
    if (stream === undefined) return;
    if (stream !== 'aborting') return stream.receive(frame);
    if (frame.type === FrameType.stream && frame.status !== FrameStatus.continue) {
      this.#streams.delete(frame.serial);
    }
  }

  /** The connection is gone. */
  end(error: BerthError): void {
    for (const stream of this.#streams.values()) if (stream !== 'aborting') stream.fail(error);
    this.#streams.clear();
  }

  #line<A, R>({ program, number }: Procedure<A, R>, serial: number): StreamLine {
    const { clock, send, pause, resume } = this.#carrier;
    const header = { program, procedure: number, type: FrameType.stream, serial };
    return {
      clock,
      pause,
      resume,
      send: (status, data, flushed) => send({ ...header, status }, data, flushed),
      forget: () => this.#streams.delete(serial),
      abort: () => this.#streams.set(serial, 'aborting'),
    };
  }
}
