import { Duplex } from 'node:stream';
import { berthError } from '../../base/errors.ts';
import { decodeError } from '../libvirt-error.ts';
import type { Clock } from '../rpc/clock.ts';
import { FrameStatus, FrameType, type Frame } from '../rpc/frame.ts';
import type { StreamDirection } from '../rpc/procedure.ts';
import { decodeHole, encodeHole, Hole } from './hole.ts';

/** Data bytes in one packet: what libvirt itself sends, and the fastest size measured. */
export const PACKET_BYTES_MAX = 262_120;

/** Bytes that may wait for a reader before the connection stops reading. */
export const INBOX_BYTES_MAX = 1024 * 1024;

/** What every packet and hole counts at least there, so that tiny ones cannot pile up for ever. */
const INBOX_PIECE_BYTES = 1024;

/** How long the daemon may take to confirm the end of a stream: an upload is flushed to disk in it. */
export const STREAM_FINISH_MS = 300_000;

/** Piece of a hole that is handed out as zeros at a time. */
const ZERO_BYTES = 65_536;

/** Pieces, of up to a packet each, that wait inside a sparse stream. */
const SPARSE_PIECES = 4;

/** What a stream needs of its connection. */
export interface StreamLine {
  readonly clock: Clock;
  /** Sends a packet; `flushed` is called when there is room for more, `left` when it has gone. */
  readonly send: (
    status: number,
    data: Uint8Array,
    flushed?: () => void,
    left?: () => void,
  ) => void;
  /** Sends a hole, in the same way. */
  readonly sendHole: (hole: Uint8Array, flushed: () => void) => void;
  readonly pause: () => void;
  readonly resume: () => void;
  /** The stream is over on both sides. */
  readonly forget: () => void;
  /**
   * The stream is given up: tells the daemon and drops what still comes. `settled` is called once
   * the daemon has confirmed, or will not.
   */
  readonly abort: (settled: () => void) => void;
}

/** How the data of a stream go. */
export interface StreamKind {
  readonly direction: StreamDirection;
  /** Whether it carries `Buffer | Hole` instead of bytes. */
  readonly sparse: boolean;
}

/**
 * A stream of libvirt as a Node stream. The end of a readable one is confirmed by the daemon
 * before `end` is emitted, and a writable one has `finish`ed only when the daemon has everything;
 * so a failure on the far side is never taken for success. It comes as LibvirtError. Destroying
 * the stream early aborts it there: it is closed when the daemon has confirmed that, so whatever
 * the stream held (a console, a volume) is free again by then.
 */
export class RemoteStream extends Duplex {
  readonly #procedure: string;
  readonly #line: StreamLine;
  readonly #sparse: boolean;
  /** What waits for the reader. */
  readonly #inbox: (Buffer | Hole)[] = [];
  #inboxBytes = 0;
  #paused = false;
  #wanted = false;
  #finish: 'no' | 'asked' | 'confirmed' = 'no';
  #afterFinish: ((error?: Error | null) => void) | undefined;
  #stopClock: (() => void) | undefined;
  #sentPackets = 0;
  #leftPackets = 0;
  #handedOver = false;
  #heldError: Error | undefined;

  constructor(procedure: string, kind: StreamKind, line: StreamLine) {
    super(duplexOptions(kind));
    this.#procedure = procedure;
    this.#sparse = kind.sparse;
    this.#line = line;
  }

  /** Packets that have been sent, ever. */
  get sentPackets(): number {
    return this.#sentPackets;
  }

  /** Those of them whose bytes are in use here no longer, in the order of their sending. */
  get leftPackets(): number {
    return this.#leftPackets;
  }

  /**
   * The consumer is about to get the stream. A failure before that is kept until now, because an
   * `error` event that nobody listens to would end the process.
   */
  handOver(): this {
    this.#handedOver = true;
    if (this.#heldError !== undefined) this.destroy(this.#heldError);
    return this;
  }

  /** Nobody will get the stream: lets go of what waits in it, so that it holds up nothing. */
  letGo(): void {
    this.#stopClock?.();
    this.#inbox.length = 0;
    this.#inboxBytes = 0;
    this.#balance();
  }

  /** Takes a packet of this stream. */
  receive(frame: Frame): void {
    if (frame.type === FrameType.streamHole) {
      const hole = decodeHole(frame.payload, this.#procedure);
      return hole === undefined ? undefined : this.#keep(hole);
    }
    switch (frame.status) {
      case FrameStatus.continue:
        if (frame.payload.length > 0) return this.#keep(frame.payload);
        return this.#askFinish();
      case FrameStatus.ok:
        return this.#confirmFinish();
      default:
        this.#line.forget();
        this.#finish = 'confirmed';
        return this.fail(decodeError(frame.payload, this.#procedure));
    }
  }

  /** Ends the stream with an error. */
  fail(error: Error): void {
    if (this.#handedOver) this.destroy(error);
    else this.#heldError ??= error;
  }

  override _read(): void {
    this.#wanted = true;
    this.#flow();
  }

  override _write(piece: unknown, _encoding: string, done: (error?: Error) => void): void {
    if (this.#finish !== 'no') return done(this.#ended());
    if (piece instanceof Hole) return this.#line.sendHole(encodeHole(piece), () => done());
    if (piece instanceof Uint8Array) return this.#sendData(piece, done);
    done(this.#notPiece(piece));
  }

  #sendData(chunk: Uint8Array, done: (error?: Error) => void): void {
    const packet = chunk.subarray(0, PACKET_BYTES_MAX);
    const rest = chunk.subarray(packet.length);
    if (packet.length === 0) return done(); // an empty packet would mean the end
    const flushed = (): void => {
      if (rest.length === 0) done();
      else if (this.#finish === 'no') this.#sendData(rest, done);
      else done(this.#ended());
    };
    this.#sentPackets++;
    this.#line.send(FrameStatus.continue, packet, flushed, () => this.#leftPackets++);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#finish === 'confirmed') return done();
    this.#afterFinish = done;
    this.#askFinish();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.letGo();
    if (this.#finish === 'confirmed') done(error);
    else this.#line.abort(() => done(error));
  }

  #askFinish(): void {
    if (this.#finish !== 'no') return;
    this.#finish = 'asked';
    this.#line.send(FrameStatus.ok, Buffer.alloc(0));
    this.#stopClock = this.#line.clock.after(STREAM_FINISH_MS, () => {
      const what = `the end of the stream of ${this.#procedure}`;
      this.fail(berthError('BERTH_DEADLINE', { what, afterMs: STREAM_FINISH_MS }));
    });
  }

  #confirmFinish(): void {
    if (this.#finish === 'confirmed') return;
    this.#finish = 'confirmed';
    this.#stopClock?.();
    this.#line.forget();
    this.#afterFinish?.();
    this.#flow();
  }

  #keep(piece: Buffer | Hole): void {
    if (this.destroyed || !this.readable) return;
    this.#inbox.push(piece);
    this.#inboxBytes += inboxBytesOf(piece);
    this.#flow();
  }

  #flow(): void {
    while (this.#wanted && this.#inbox.length > 0) this.#wanted = this.push(this.#shift());
    if (this.#inbox.length === 0 && this.#finish === 'confirmed' && this.readable) this.push(null);
    this.#balance();
  }

  /** The next piece for the reader; a plain stream gives a hole out bit by bit, as zeros. */
  #shift(): Buffer | Hole | undefined {
    const head = this.#inbox[0];
    if (!this.#sparse && head instanceof Hole && head.bytes > ZERO_BYTES) {
      this.#inbox[0] = new Hole(head.bytes - ZERO_BYTES);
      return Buffer.alloc(ZERO_BYTES);
    }
    this.#inbox.shift();
    this.#inboxBytes -= head === undefined ? 0 : inboxBytesOf(head);
    return this.#sparse || !(head instanceof Hole) ? head : Buffer.alloc(head.bytes);
  }

  /** Stops the connection while too much waits, and starts it again. */
  #balance(): void {
    const full = this.#inboxBytes > INBOX_BYTES_MAX;
    if (full === this.#paused) return;
    this.#paused = full;
    if (full) this.#line.pause();
    else this.#line.resume();
  }

  #ended(): Error {
    const where = `the stream of ${this.#procedure}`;
    return berthError('BERTH_CONNECTION_CLOSED', { where, reason: 'the other side ended it' });
  }

  #notPiece(piece: unknown): Error {
    return berthError('BERTH_SPEC_INVALID', {
      where: `the stream of ${this.#procedure}`,
      problem: `a ${typeof piece} is neither bytes nor a hole`,
      expected: 'Buffer, Uint8Array or Hole',
    });
  }
}

/** `readable` and `writable` are options of Duplex that its type definitions lack. */
function duplexOptions({ direction, sparse }: StreamKind) {
  const highWaterMark = sparse ? SPARSE_PIECES : PACKET_BYTES_MAX;
  return {
    readable: direction !== 'write',
    writable: direction !== 'read',
    allowHalfOpen: false,
    objectMode: sparse,
    readableHighWaterMark: highWaterMark,
    writableHighWaterMark: highWaterMark,
  };
}

/** A hole takes no memory but its place in the row. */
function inboxBytesOf(piece: Buffer | Hole): number {
  return piece instanceof Hole ? INBOX_PIECE_BYTES : Math.max(piece.length, INBOX_PIECE_BYTES);
}
