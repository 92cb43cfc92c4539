import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import {
  connect,
  domainOf,
  parseUri,
  type Clock,
  type Connection,
  type ConnectOptions,
} from '../../src/libvirt/index.ts';
import { openStreamWire } from '../../src/libvirt/open-wire.ts';
import {
  encodeHeader,
  FrameStatus,
  FrameType,
  Program,
  type Frame,
  type FrameHeader,
} from '../../src/libvirt/rpc/frame.ts';
import { FrameSplitter } from '../../src/libvirt/rpc/frame-splitter.ts';
import type { WireConnection } from '../../src/libvirt/wire-connection.ts';

/** What tests with a fake daemon give to a call; nothing takes so long. */
export const WAIT = { deadlineMs: 10_000 };

/** The domain that `wireDomain` writes, as calls name it. */
export const DOM = domainOf('07070707-0707-0707-0707-070707070707');

/**
 * A daemon for faults that no real one commits on demand. Each connection made to it is a link,
 * which answers the opening sequence by itself and hands every other message to the test. What is
 * done to the daemon itself is done to its first link.
 */
export class FakeDaemon {
  readonly uri: string;
  /** The connections so far, in their order. */
  readonly links: FakeLink[] = [];
  readonly #server: Server;
  readonly #path: string;
  #watchers: (() => void)[] = [];

  private constructor(server: Server, path: string, opening: OpeningReplies) {
    this.uri = `qemu+unix:///system?socket=${path}`;
    this.#server = server;
    this.#path = path;
    server.on('connection', (socket) => {
      this.links.push(new FakeLink(socket, opening));
      for (const watcher of this.#watchers.splice(0)) watcher();
    });
  }

  /** Listens at a socket of its own until the test ends; `opening` replaces replies of the opening. */
  static async start(t: TestContext, opening?: OpeningReplies): Promise<FakeDaemon> {
    const dir = await mkdtemp(join(tmpdir(), 'berth-fake-'));
    const fake = new FakeDaemon(
      createServer(),
      join(dir, 'sock'),
      new Map([...OPENING, ...(opening ?? [])]),
    );
    await fake.listen();
    t.after(async () => {
      fake.die();
      await rm(dir, { recursive: true });
    });
    return fake;
  }

  /** Listens again after it died. */
  async listen(): Promise<void> {
    this.#server.listen(this.#path);
    await once(this.#server, 'listening');
  }

  /** Ends every link and listens no more. */
  die(): void {
    this.#server.close();
    for (const link of this.links) link.hangUp();
  }

  /** A connection to this daemon; without keepalive unless asked for. */
  async connect(t: TestContext, options: Partial<ConnectOptions> = {}): Promise<Connection> {
    const whole = { environment: { uid: 0 }, keepalive: 'off', ...options } as const;
    const connection = await connect(this.uri, whole, { deadlineMs: 10_000 });
    t.after(() => this.die());
    return connection;
  }

  /** One connection that carries its streams itself, as those for streams do. */
  async wire(t: TestContext, clock: Clock): Promise<WireConnection> {
    const options = { environment: { uid: 0 }, keepalive: 'off', clock } as const;
    const wire = await openStreamWire(parseUri(this.uri), options, { deadlineMs: 10_000 });
    t.after(() => this.die());
    return wire;
  }

  /** The link of that number, once it is there. */
  async link(index: number): Promise<FakeLink> {
    for (;;) {
      const link = this.links[index];
      if (link !== undefined) return link;
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  get log(): readonly Frame[] {
    return this.links[0]?.log ?? [];
  }

  get pending(): readonly Frame[] {
    return this.links[0]?.pending ?? [];
  }

  async next(): Promise<Frame> {
    return (await this.link(0)).next();
  }

  async socket(): Promise<Socket> {
    return (await this.link(0)).socket;
  }

  write(...parts: readonly Buffer[]): void {
    this.links[0]?.write(...parts);
  }

  hangUp(): void {
    this.links[0]?.hangUp();
  }
}

/** The daemon's end of one connection. */
export class FakeLink {
  readonly socket: Socket;
  /** Every message since the connection came, those of the opening sequence among them. */
  readonly log: Frame[] = [];
  readonly #opening: OpeningReplies;
  readonly #unseen: Frame[] = [];
  readonly #watchers: (() => void)[] = [];

  constructor(socket: Socket, opening: OpeningReplies) {
    this.socket = socket;
    this.#opening = opening;
    socket.on('error', () => undefined);
    const splitter = new FrameSplitter('the client');
    socket.on('data', (chunk: Buffer) => {
      splitter.push(chunk, (frame) => this.#receive(frame));
    });
  }

  /** The next message beyond the opening sequence. */
  async next(): Promise<Frame> {
    for (;;) {
      const frame = this.#unseen.shift();
      if (frame !== undefined) return frame;
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  /** Messages that came and were not taken by `next`. */
  get pending(): readonly Frame[] {
    return this.#unseen;
  }

  /** Sends bytes as they are. */
  write(...parts: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** Ends the connection as a dying daemon does. */
  hangUp(): void {
    this.socket.destroy();
  }

  #receive(frame: Frame): void {
    this.log.push(frame);
    const known = frame.type === FrameType.call ? this.#opening.get(frame.procedure) : undefined;
    if (known !== undefined) return this.write(reply(frame, known));
    this.#unseen.push(frame);
    for (const watcher of this.#watchers.splice(0)) watcher();
  }
}

/** What calls of the opening sequence are answered with, by their procedures; undefined for the test. */
type OpeningReplies = ReadonlyMap<number, Buffer | undefined>;

/** Replies of the opening sequence: no authentication, every feature, version 9.0.0, no news of the end. */
export const OPENING: OpeningReplies = new Map([
  [66, words(1, 0)],
  [60, words(1)],
  [1, words()],
  [157, Buffer.concat([words(0), words(9_000_000)])],
  [360, words()],
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

/** A lifecycle event of the domain `g`. */
export function lifecycle(callbackId: number, kind: number, detail = 0): Buffer {
  return event(318, callbackId, Buffer.concat([wireDomain('g'), words(kind, detail)]));
}

/** A domain on the wire, with the UUID of `DOM`. */
export function wireDomain(name: string, id = 1): Buffer {
  return Buffer.concat([text(name), Buffer.alloc(16, 7), words(id)]);
}
