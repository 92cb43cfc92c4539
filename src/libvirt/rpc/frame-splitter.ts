import { berthError } from '../../base/errors.ts';
import { decodeFrame, FRAME_BYTES_MAX, FrameType, HEADER_BYTES, type Frame } from './frame.ts';

/** Most file descriptors one message may carry (VIR_NET_MESSAGE_NUM_FDS_MAX). */
const FDS_MAX = 32;

/** How much of a foreign greeting is shown in the error about it. */
const EXCERPT_CHARS = 60;

/**
 * Cuts a byte stream into messages, wherever the chunks break. A reply with file descriptors is
 * followed by one byte for each of them outside its length word: those are skipped, else every
 * later message would be read at the wrong place.
 */
export class FrameSplitter {
  readonly #where: string;
  #chunks: Buffer[] = [];
  #buffered = 0;
  #skip = 0;
  #first = true;

  /** `where` names the other side in errors. */
  constructor(where: string) {
    this.#where = where;
  }

  /**
   * Takes one chunk and yields the messages that are whole now. A payload may share memory with
   * the chunk.
   * @throws BERTH_PROTOCOL for a length that no message can have; nothing can be read after that.
   */
  *push(chunk: Buffer): Generator<Frame, void> {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    for (let message = this.#next(); message !== undefined; message = this.#next()) {
      yield this.#frame(message);
    }
  }

  #next(): Buffer | undefined {
    if (this.#skip > 0) this.#skipFds();
    if (this.#skip > 0 || this.#buffered < 4) return undefined;
    const length = this.#head(4).readUInt32BE(0);
    if (length < HEADER_BYTES || length > FRAME_BYTES_MAX) throw this.#badLength(length);
    if (this.#buffered < length) return undefined;
    this.#first = false;
    const head = this.#head(length);
    this.#drop(length);
    return head.subarray(0, length);
  }

  #frame(message: Buffer): Frame {
    const frame = decodeFrame(message);
    if (frame.type !== FrameType.replyWithFds && frame.type !== FrameType.callWithFds) return frame;
    const count = frame.payload.length < 4 ? 0 : frame.payload.readUInt32BE(0);
    if (count > FDS_MAX) throw this.#fault(`a message says it carries ${count} file descriptors`);
    this.#skip = count;
    return { ...frame, payload: frame.payload.subarray(4) };
  }

  /** The chunks merged until the first of them holds at least `length` bytes. */
  #head(length: number): Buffer {
    const [first] = this.#chunks;
    if (first !== undefined && first.length >= length) return first;
    const merged = Buffer.concat(this.#chunks);
    this.#chunks = [merged];
    return merged;
  }

  #drop(length: number): void {
    const rest = this.#head(length).subarray(length);
    this.#chunks.shift();
    if (rest.length > 0) this.#chunks.unshift(rest);
    this.#buffered -= length;
  }

  #skipFds(): void {
    const skipped = Math.min(this.#skip, this.#buffered);
    if (skipped > 0) this.#drop(skipped);
    this.#skip -= skipped;
  }

  #badLength(length: number): Error {
    if (!this.#first) return this.#fault(`a message claims to be ${length} bytes long`);
    const text = Buffer.concat(this.#chunks).toString('latin1', 0, EXCERPT_CHARS);
    const excerpt = text.replaceAll(/[^\x20-\x7e]/g, '.');
    return this.#fault(`the first bytes are no libvirt message but "${excerpt}"`);
  }

  #fault(problem: string): Error {
    return berthError('BERTH_PROTOCOL', { where: this.#where, problem });
  }
}
