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
   * Takes one chunk and hands on the messages that are whole now, one by one. A payload may share
   * memory with the chunk.
   * @throws BERTH_PROTOCOL for a length that no message can have; nothing can be read after that.
   */
  push(chunk: Buffer, take: (frame: Frame) => void): void {
    const rest = this.#buffered === 0 ? this.#cut(chunk, take) : chunk;
    if (rest.length === 0) return;
    this.#chunks.push(rest);
    this.#buffered += rest.length;
    for (let message = this.#next(); message !== undefined; message = this.#next()) {
      take(this.#frame(message, 0, message.length));
    }
  }

  /**
   * The short way for what almost every chunk is, whole messages and nothing else: it saves a
   * tenth of what a small call costs. Gives back what is not a whole message.
   */
  #cut(chunk: Buffer, take: (frame: Frame) => void): Buffer {
    let at = 0;
    while (this.#skip === 0 && chunk.length - at >= HEADER_BYTES) {
      const length = chunk.readUInt32BE(at);
      if (!isLength(length) || length > chunk.length - at) break;
      this.#first = false;
      const start = at;
      at += length;
      take(this.#frame(chunk, start, at));
    }
    return at === 0 ? chunk : chunk.subarray(at);
  }

  #next(): Buffer | undefined {
    if (this.#skip > 0) this.#skipFds();
    if (this.#skip > 0 || this.#buffered < 4) return undefined;
    const length = this.#head(4).readUInt32BE(0);
    if (!isLength(length)) throw this.#badLength(length);
    if (this.#buffered < length) return undefined;
    this.#first = false;
    const head = this.#head(length);
    this.#drop(length);
    return head.subarray(0, length);
  }

  #frame(bytes: Buffer, start: number, end: number): Frame {
    const frame = decodeFrame(bytes, start, end);
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

function isLength(length: number): boolean {
  return length >= HEADER_BYTES && length <= FRAME_BYTES_MAX;
}
