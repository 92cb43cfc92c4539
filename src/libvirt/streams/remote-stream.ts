import { Duplex } from 'node:stream';
import { berthError } from '../../base/errors.ts';
import { decodeError } from '../rpc/call-table.ts';
import type { Clock } from '../rpc/clock.ts';
import { FrameStatus, FrameType, type Frame } from '../rpc/frame.ts';
import type { StreamDirection } from '../rpc/procedure.ts';
import { XdrReader } from '../xdr/xdr-reader.ts';

/** Data bytes in one packet: what libvirt itself sends, and the fastest size measured. */
export const PACKET_BYTES_MAX = 262_120;

/** Bytes that may wait for a reader before the connection stops reading. */
export const INBOX_BYTES_MAX = 1024 * 1024;

/** What every packet and hole counts at least there, so that tiny ones cannot pile up for ever. */
const INBOX_PIECE_BYTES = 1024;

/** How long the daemon may take to confirm the end of a stream: an upload is flushed to disk in it. */
export const STREAM_FINISH_MS = 300_000;

/** Piece of a hole that is handed out as zeros at a time. */
const ZEROS = Buffer.alloc(65_536);

/** What a stream needs of its connection. */
export interface StreamLine {
  readonly clock: Clock;
  /** Sends a packet; `flushed` is called when it has left. */
  readonly send: (status: number, data: Uint8Array, flushed?: () => void) => void;
  readonly pause: () => void;
  readonly resume: () => void;
  /** The stream is over on both sides. */
  readonly forget: () => void;
  /** The stream was given up: drop what still comes until the daemon confirms. */
  readonly abort: () => void;
}

/**
 * A stream of libvirt as a Node stream. The end of a readable one is confirmed by the daemon
 * before `end` is emitted, and a writable one has `finish`ed only when the daemon has everything;
 * so a failure on the far side is never taken for success. It comes as LibvirtError. Destroying
 * the stream early aborts it there.
 */
export class RemoteStream extends Duplex {
  readonly #procedure: string;
  readonly #line: StreamLine;
  /** Data that wait for the reader; a bigint is a hole of that many bytes. */
  readonly #inbox: (Buffer | bigint)[] = [];
  #inboxBytes = 0;
  #paused = false;
  #wanted = false;
  #finish: 'no' | 'asked' | 'confirmed' = 'no';
  #afterFinish: ((error?: Error | null) => void) | undefined;
  #stopClock: (() => void) | undefined;
  #handedOver = false;
  #heldError: Error | undefined;

  constructor(procedure: string, direction: StreamDirection, line: StreamLine) {
    super(duplexOptions(direction));
    this.#procedure = procedure;
    this.#line = line;
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
    if (frame.type === FrameType.streamHole) return this.#keep(readHole(frame, this.#procedure));
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

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (this.#finish !== 'no') return done(this.#ended());
    const packet = chunk.subarray(0, PACKET_BYTES_MAX);
    const rest = chunk.subarray(packet.length);
    if (packet.length === 0) return done(); // an empty packet would mean the end
    this.#line.send(FrameStatus.continue, packet, () => {
      if (rest.length === 0) done();
      else this._write(rest, _encoding, done);
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#finish === 'confirmed') return done();
    this.#afterFinish = done;
    this.#askFinish();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.#finish !== 'confirmed') {
      this.#line.abort();
      this.#line.send(FrameStatus.error, Buffer.alloc(0));
    }
    this.letGo();
    done(error);
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

  #keep(data: Buffer | bigint): void {
    if (this.destroyed || !this.readable) return;
    this.#inbox.push(data);
    this.#inboxBytes += inboxBytesOf(data);
    this.#flow();
  }

  #flow(): void {
    while (this.#wanted && this.#inbox.length > 0) this.#wanted = this.push(this.#shift());
    if (this.#inbox.length === 0 && this.#finish === 'confirmed' && this.readable) this.push(null);
    this.#balance();
  }

  #shift(): Buffer {
    const [head = 0n] = this.#inbox;
    const piece =
      typeof head === 'bigint'
        ? ZEROS.subarray(0, head < ZEROS.length ? Number(head) : ZEROS.length)
        : head;
    const left = typeof head === 'bigint' ? head - BigInt(piece.length) : 0n;
    if (left > 0n) this.#inbox[0] = left;
    else {
      this.#inbox.shift();
      this.#inboxBytes -= inboxBytesOf(head);
    }
    return piece;
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
}

/** `readable` and `writable` are options of Duplex that its type definitions lack. */
function duplexOptions(direction: StreamDirection) {
  return {
    readable: direction !== 'write',
    writable: direction !== 'read',
    allowHalfOpen: false,
    readableHighWaterMark: PACKET_BYTES_MAX,
  };
}

/** A hole takes no memory but its place in the row. */
function inboxBytesOf(data: Buffer | bigint): number {
  return typeof data === 'bigint' ? INBOX_PIECE_BYTES : Math.max(data.length, INBOX_PIECE_BYTES);
}

function readHole(frame: Frame, procedure: string): bigint {
  const reader = new XdrReader(frame.payload, `a hole in the stream of ${procedure}`);
  const length = reader.i64();
  reader.u32(); // flags, none are defined
  reader.end();
  if (length < 0n) throw reader.fault(`a hole of ${length} bytes`);
  return length;
}
