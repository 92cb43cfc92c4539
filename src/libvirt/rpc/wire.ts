import type { Duplex } from 'node:stream';
import { berthError, isBerthError, type BerthError } from '../../base/errors.ts';
import { encodeHeader, type Frame, type FrameHeader } from './frame.ts';
import { FrameSplitter } from './frame-splitter.ts';

/** Bytes that may wait to leave before a stream has to. Enough to keep the kernel busy meanwhile. */
const UNSENT_BYTES_MAX = 1024 * 1024;

interface WireParts {
  /** Names the other side in errors. */
  readonly where: string;
  /** Any bytes came. */
  readonly onBytes: () => void;
  readonly onFrame: (frame: Frame) => void;
  /** Called once, when nothing can be sent or received any more. */
  readonly onEnd: (error: BerthError) => void;
}

/** Messages over a byte stream, in both directions. */
export class Wire {
  readonly #socket: Duplex;
  readonly #splitter: FrameSplitter;
  readonly #parts: WireParts;
  #unsent: Buffer[] = [];
  #pauses = 0;
  #ended = false;

  constructor(socket: Duplex, parts: WireParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.#splitter = new FrameSplitter(parts.where);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.once('error', (error) =>
      this.end(isBerthError(error) ? error : this.#closed(error.message, error)),
    );
    socket.once('end', () => this.end(this.#closed('the daemon closed it')));
    socket.once('close', () => this.end(this.#closed('the socket closed')));
  }

  get isPaused(): boolean {
    return this.#pauses > 0;
  }

  /** True while so much waits to leave that the other side seems not to read. */
  get isFull(): boolean {
    return this.#socket.writableLength >= UNSENT_BYTES_MAX;
  }

  /**
   * Sends a whole message. Those of one turn of the event loop leave in one write: with several
   * calls in flight that saves a fifth of what each costs, because their replies come together
   * and so do the calls that follow them.
   */
  send(message: Buffer): void {
    if (this.#ended) return;
    if (this.#unsent.push(message) === 1) process.nextTick(this.#flush);
  }

  /**
   * Sends a message in two parts, so that data need not be copied. `flushed` is called when there
   * is room for more: waiting for that is the back-pressure of streams. It is never called once
   * the connection has ended. `left` is called when the data are in use here no longer.
   */
  sendParts(
    header: FrameHeader,
    payload: Uint8Array,
    flushed?: () => void,
    left?: () => void,
  ): void {
    if (this.#ended) return;
    this.#flush();
    const room = !this.isFull;
    this.#socket.cork();
    this.#socket.write(encodeHeader(header, payload.length));
    this.#socket.write(payload, (error) => {
      if (error !== null && error !== undefined) return;
      left?.();
      if (!room) flushed?.();
    });
    this.#socket.uncork();
    if (room && flushed !== undefined) process.nextTick(flushed);
  }

  /** Stops reading until `resume` has been called as often. Everything on the connection stands still. */
  pause(): void {
    this.#pauses++;
    if (this.#pauses === 1) this.#socket.pause();
  }

  resume(): void {
    this.#pauses--;
    if (this.#pauses === 0) this.#socket.resume();
  }

  /** Lets go of the socket; the first reason is the one that counts. */
  end(error: BerthError): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    this.#parts.onEnd(error);
  }

  readonly #flush = (): void => {
    const messages = this.#unsent;
    const [first] = messages;
    if (this.#ended || first === undefined) return;
    this.#unsent = [];
    this.#socket.write(messages.length === 1 ? first : Buffer.concat(messages));
  };

  readonly #take = (frame: Frame): void => {
    if (!this.#ended) this.#parts.onFrame(frame);
  };

  #receive(chunk: Buffer): void {
    this.#parts.onBytes();
    try {
      this.#splitter.push(chunk, this.#take);
    } catch (error) {
      if (!isBerthError(error, 'BERTH_PROTOCOL')) throw error;
      this.end(error);
    }
  }

  #closed(reason: string, cause?: Error): BerthError {
    return berthError('BERTH_CONNECTION_CLOSED', { where: this.#parts.where, reason }, { cause });
  }
}
