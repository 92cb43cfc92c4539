import { berthError } from '../../base/errors.ts';
import { decodeFrame, FRAME_BYTES_MAX, FrameType, HEADER_BYTES, type Frame } from './frame.ts';

/** Most file descriptors one message may carry (VIR_NET_MESSAGE_NUM_FDS_MAX). */
const FDS_MAX = 32;

const LENGTH_BYTES = 4;
/** Room made at once: a packet of a stream, the largest of what comes often, fits. */
const ROOM_BYTES = 512 * 1024;
const NONE = Buffer.alloc(0);

/** How much of a foreign greeting is shown in the error about it. */
const EXCERPT_CHARS = 60;

/**
 * Cuts a byte stream into messages, wherever the chunks break. A reply with file descriptors is
 * followed by one byte for each of them outside its length word: those are skipped, else every
 * later message would be read at the wrong place.
 */
export class FrameSplitter {
  readonly #where: string;
  /** Room for the message that is not whole yet, which grows with what has come of it. */
  #message: Buffer = NONE;
  #filled = 0;
  /** How long it will be; that of its length word as long as not even this is known. */
  #length = LENGTH_BYTES;
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
    let at = 0;
    while (at < chunk.length) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at);
        this.#skip -= skipped;
        at += skipped;
      } else if (this.#filled === 0 && chunk.length - at >= LENGTH_BYTES) {
        at = this.#cut(chunk, at, take);
      } else {
        at = this.#fill(chunk, at, take);
      }
    }
  }

  /** Takes a message straight from the chunk when it is whole there, which almost every one is. */
  #cut(chunk: Buffer, at: number, take: (frame: Frame) => void): number {
    const length = this.#checkLength(chunk.readUInt32BE(at), chunk.subarray(at));
    if (length > chunk.length - at) {
      this.#length = length;
      return this.#fill(chunk, at, take);
    }
    take(this.#frame(chunk, at, at + length));
    return at + length;
  }

  /**
   * Copies what the chunk has of the message that is under way. It is copied once, however many
   * chunks it comes in: merging them when all are there took twice the time for a stream's packets.
   */
  #fill(chunk: Buffer, at: number, take: (frame: Frame) => void): number {
    this.#makeRoom();
    const copied = chunk.copy(this.#message, this.#filled, at);
    this.#filled += copied;
    if (this.#filled < this.#length) return at + copied;
    if (this.#length === LENGTH_BYTES) {
      this.#length = this.#checkLength(this.#message.readUInt32BE(0), this.#message);
      return at + copied;
    }
    const message = this.#message;
    const length = this.#length;
    this.#message = NONE;
    this.#filled = 0;
    this.#length = LENGTH_BYTES;
    take(this.#frame(message, 0, length));
    return at + copied;
  }

  /** A length is easily claimed: beyond a stream's packet, room is made for what really comes. */
  #makeRoom(): void {
    if (this.#filled < this.#message.length) return;
    const room = Math.min(this.#length, Math.max(ROOM_BYTES, this.#filled * 2));
    const larger = Buffer.allocUnsafe(room);
    this.#message.copy(larger, 0, 0, this.#filled);
    this.#message = larger;
  }

  #frame(bytes: Buffer, start: number, end: number): Frame {
    const frame = decodeFrame(bytes, start, end);
    if (frame.type !== FrameType.replyWithFds && frame.type !== FrameType.callWithFds) return frame;
    const count = frame.payload.length < 4 ? 0 : frame.payload.readUInt32BE(0);
    if (count > FDS_MAX) throw this.#fault(`a message says it carries ${count} file descriptors`);
    this.#skip = count;
    return { ...frame, payload: frame.payload.subarray(4) };
  }

  #checkLength(length: number, bytes: Buffer): number {
    const isFirst = this.#first;
    this.#first = false;
    if (length >= HEADER_BYTES && length <= FRAME_BYTES_MAX) return length;
    if (!isFirst) throw this.#fault(`a message claims to be ${length} bytes long`);
    const text = bytes.toString('latin1', 0, EXCERPT_CHARS).replaceAll(/[^\x20-\x7e]/g, '.');
    throw this.#fault(`the first bytes are no libvirt message but "${text}"`);
  }

  #fault(problem: string): Error {
    return berthError('BERTH_PROTOCOL', { where: this.#where, problem });
  }
}
