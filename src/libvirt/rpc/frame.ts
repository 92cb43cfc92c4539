/** Bytes before the payload of every message: seven words, the length among them. */
export const HEADER_BYTES = 28;

/** Longest message including its length word: 32 MiB and that word; libvirtd drops longer ones. */
export const FRAME_BYTES_MAX = 4 + 32 * 1024 * 1024;

/** The programs that share a connection; each numbers its procedures by itself. */
export const Program = {
  remote: 0x20008086,
  qemu: 0x20008087,
  keepalive: 0x6b656570,
} as const;

/** What a message is. Types 4 and 5 are 0 and 1 with file descriptors, which no client here asks for. */
export const FrameType = {
  call: 0,
  reply: 1,
  message: 2,
  stream: 3,
  callWithFds: 4,
  replyWithFds: 5,
  streamHole: 6,
} as const;

/** How it stands with a call or stream: done, failed, or more of the stream to come. */
export const FrameStatus = { ok: 0, error: 1, continue: 2 } as const;

/** Version of each program; it has never been another. */
const PROGRAM_VERSION = 1;

/** What stands before the payload of a message, less its length and the program's version. */
export interface FrameHeader {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  /** Chosen by the client per call; 0 in events and keepalive. */
  readonly serial: number;
  readonly status: number;
}

/** A whole message. */
export interface Frame extends FrameHeader {
  readonly payload: Buffer;
}

/** The header of a message with a payload of that many bytes. */
export function encodeHeader(header: FrameHeader, payloadBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  writeHeader(bytes, header, HEADER_BYTES + payloadBytes);
  return bytes;
}

/** Fills the header room at the front of a whole message. */
export function stampHeader(message: Buffer, header: FrameHeader): Buffer {
  writeHeader(message, header, message.length);
  return message;
}

/** Reads the whole message, its length word included, that stands from `start` to `end`. */
export function decodeFrame(bytes: Buffer, start: number, end: number): Frame {
  return {
    program: bytes.readUInt32BE(start + 4),
    procedure: bytes.readInt32BE(start + 12),
    type: bytes.readInt32BE(start + 16),
    serial: bytes.readUInt32BE(start + 20),
    status: bytes.readInt32BE(start + 24),
    payload: bytes.subarray(start + HEADER_BYTES, end),
  };
}

function writeHeader(into: Buffer, header: FrameHeader, length: number): void {
  into.writeUInt32BE(length, 0);
  into.writeUInt32BE(header.program, 4);
  into.writeUInt32BE(PROGRAM_VERSION, 8);
  into.writeInt32BE(header.procedure, 12);
  into.writeInt32BE(header.type, 16);
  into.writeUInt32BE(header.serial, 20);
  into.writeInt32BE(header.status, 24);
}
