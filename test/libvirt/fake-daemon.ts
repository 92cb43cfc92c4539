import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { connect, type Connection, type ConnectOptions } from '../../src/libvirt/index.ts';
import {
  encodeHeader,
  FrameStatus,
  FrameType,
  Program,
  type Frame,
  type FrameHeader,
} from '../../src/libvirt/rpc/frame.ts';
import { FrameSplitter } from '../../src/libvirt/rpc/frame-splitter.ts';

/**
 * The other end of a connection, for faults that no real daemon commits on demand. It answers the
 * opening sequence by itself and hands every other message to the test.
 */
export class FakeDaemon {
  readonly uri: string;
  /** Every message since the connection came, those of the opening sequence among them. */
  readonly log: Frame[] = [];
  readonly #sockets: Promise<Socket>;
  #socket: Socket | undefined;
  readonly #unseen: Frame[] = [];
  readonly #watchers: (() => void)[] = [];

  private constructor(uri: string, sockets: Promise<Socket>) {
    this.uri = uri;
    this.#sockets = sockets;
  }

  /** Listens at a socket of its own until the test ends. */
  static async start(t: TestContext): Promise<FakeDaemon> {
    const dir = await mkdtemp(join(tmpdir(), 'berth-fake-'));
    const server = createServer();
    const { promise, resolve } = Promise.withResolvers<Socket>();
    server.on('connection', resolve);
    server.listen(join(dir, 'sock'));
    await once(server, 'listening');
    const fake = new FakeDaemon(`qemu+unix:///system?socket=${join(dir, 'sock')}`, promise);
    promise.then((socket) => fake.#accept(socket)).catch(() => undefined);
    t.after(async () => {
      fake.#socket?.destroy();
      server.close();
      await rm(dir, { recursive: true });
    });
    return fake;
  }

  /** A connection to this daemon; without keepalive unless asked for. */
  async connect(t: TestContext, options: Partial<ConnectOptions> = {}): Promise<Connection> {
    const environment = { uid: 0 };
    const connection = await connect(
      this.uri,
      { environment, keepalive: 'off', ...options },
      { deadlineMs: 10_000 },
    );
    t.after(() => this.#socket?.destroy());
    return connection;
  }

  /** The next message beyond the opening sequence. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.#unseen.shift();
      if (frame !== undefined) return frame;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.push(resolve);
      await promise;
    }
  }

  /** Messages that came and were not taken by `next`. */
  get pending(): readonly Frame[] {
    return this.#unseen;
  }

  async socket(): Promise<Socket> {
    return this.#sockets;
  }

  /** Sends bytes as they are. */
  write(...parts: readonly Buffer[]): void {
    this.#socket?.write(Buffer.concat(parts));
  }

  /** Ends the connection as a dying daemon does. */
  hangUp(): void {
    this.#socket?.destroy();
  }

  #accept(socket: Socket): void {
    this.#socket = socket;
    socket.on('error', () => undefined);
    const splitter = new FrameSplitter('the client');
    socket.on('data', (chunk: Buffer) => {
      for (const frame of splitter.push(chunk)) this.#receive(frame);
    });
  }

  #receive(frame: Frame): void {
    this.log.push(frame);
    const known = frame.type === FrameType.call && OPENING.get(frame.procedure);
    if (known === false || known === undefined) {
      this.#unseen.push(frame);
      for (const watcher of this.#watchers.splice(0)) watcher();
    } else this.write(reply(frame, known));
  }
}

/** Replies of the opening sequence: no authentication, every feature, version 9.0.0. */
const OPENING: ReadonlyMap<number, Buffer> = new Map([
  [66, words(1, 0)],
  [60, words(1)],
  [1, words()],
  [157, Buffer.concat([words(0), words(9_000_000)])],
]);

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, index * 4);
  return bytes;
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([words(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

export function message(header: Partial<FrameHeader>, payload: Buffer = words()): Buffer {
  const whole = {
    program: Program.remote,
    procedure: 0,
    type: FrameType.reply,
    serial: 0,
    status: FrameStatus.ok,
    ...header,
  };
  return Buffer.concat([encodeHeader(whole, payload.length), payload]);
}

/** The reply to a call. */
export function reply(call: Frame, payload: Buffer = words()): Buffer {
  return message({ procedure: call.procedure, serial: call.serial }, payload);
}

/** A stream packet that belongs to a call. */
export function packet(call: Frame, status: number, payload: Buffer = words()): Buffer {
  const { procedure, serial } = call;
  return message({ procedure, serial, type: FrameType.stream, status }, payload);
}

/** An error as libvirt sends it. */
export function errorPayload(code: number, domain: number, said: string): Buffer {
  return Buffer.concat([
    words(code, domain, 1),
    text(said),
    words(2, 0, 0, 0, 0),
    words(-1, -1, 0),
  ]);
}

/** An event message with its callback id. */
export function event(procedure: number, callbackId: number, body: Buffer): Buffer {
  return message({ procedure, type: FrameType.message }, Buffer.concat([words(callbackId), body]));
}

/** A domain on the wire, with a UUID of that one byte. */
export function wireDomain(name: string, id = 1): Buffer {
  return Buffer.concat([text(name), Buffer.alloc(16, 7), words(id)]);
}
