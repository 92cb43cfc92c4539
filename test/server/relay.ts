import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';

/** A relay in front of a daemon's socket. */
export interface Relay {
  /** Bytes that the server sent, and connections it made, so far. */
  readonly count: { bytes: number; connections: number };
  /** Passes nothing on any more, in either direction, and closes nothing. */
  freeze(): void;
  /** Freezes when the server sends this text, which still arrives. */
  freezeAt(text: string): void;
  /** Ends every connection and listens no more. */
  cut(): Promise<void>;
  listen(): Promise<void>;
}

/** How bytes get from one end of a connection to the other. */
export type Pass = (from: Socket, to: Socket, way: Way) => void;

/** One direction of one connection; connections are counted from 0. */
export interface Way {
  readonly to: 'daemon' | 'client';
  readonly connection: number;
}

const pipe: Pass = (from, to) => void from.pipe(to);

/** The daemon's socket that a host's URI names. */
export function socketOf(uri: string): string {
  return new URL(uri).searchParams.get('socket') ?? '';
}

/** Listens at `path` for connections to the daemon at `target`; what they carry goes as `pass` says. */
export async function relay(target: string, path: string, pass: Pass = pipe): Promise<Relay> {
  const sockets = new Set<Socket>();
  const count = { bytes: 0, connections: 0 };
  let last: string | undefined;
  const freeze = (): void => {
    for (const socket of sockets) socket.unpipe().pause();
  };
  const server = createServer((client) => {
    const connection = count.connections++;
    const daemon = connect(target);
    sockets.add(client).add(daemon);
    client.on('data', (chunk: Buffer) => {
      count.bytes += chunk.length;
      if (last !== undefined && chunk.includes(last)) freeze();
    });
    pass(client, daemon, { to: 'daemon', connection });
    pass(daemon, client, { to: 'client', connection });
    for (const socket of [client, daemon]) {
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        daemon.destroy();
      });
    }
  });
  const listen = async (): Promise<void> =>
    new Promise<void>((resolve) => server.listen(path, resolve));
  await listen();
  return {
    count,
    freeze,
    freezeAt: (text) => {
      last = text;
    },
    cut: async () => {
      for (const socket of sockets) socket.destroy();
      sockets.clear();
      await new Promise((resolve) => server.close(resolve));
    },
    listen,
  };
}
