import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { relay, type Pass, type Relay, type Way } from '../../server/relay.ts';
import { daemon } from '../daemon.ts';

/** What becomes of one direction's bytes: it yields what is sent, in its own time. */
type Alter = (chunks: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;

/** Turns of the event loop after which what was sent has been read, if the reader is in this process. */
const TURNS = 2;

/** URIs that lead to a daemon, the shared one unless given, by way of a proxy that ends with the test. */
export async function proxied(
  t: TestContext,
  pass: Pass,
  target?: string,
): Promise<{ readonly uri: (driver: 'qemu' | 'test') => string; readonly proxy: Relay }> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-proxy-'));
  const path = join(dir, 'sock');
  const proxy = await relay(target ?? (await daemon()).socket, path, pass);
  t.after(async () => {
    await proxy.cut();
    await rm(dir, { recursive: true });
  });
  const uri = (driver: string): string =>
    `${driver}+unix://${driver === 'qemu' ? '/system' : '/default'}?socket=${path}`;
  return { uri, proxy };
}

/** Passes on what `alter` makes of each direction. */
export function altering(alter: (way: Way) => Alter): Pass {
  return (from, to, way) => {
    void passOn(alter(way)(from as AsyncIterable<Buffer>), to);
  };
}

/** Splits into chunks of these sizes, over and over, each sent when the one before has been read. */
export function splitting(sizes: readonly number[]): Alter {
  return async function* split(chunks) {
    let turns = 0;
    let room = sizes[0] ?? 1;
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        const piece = chunk.subarray(at, at + room);
        yield piece;
        for (let i = 0; i < TURNS; i++) await turn();
        at += piece.length;
        room -= piece.length;
        if (room === 0) room = sizes[++turns % sizes.length] ?? 1;
      }
    }
  };
}

/** Keeps all that comes within some turns of the event loop and sends it at once. */
export function merging(turns: number): Alter {
  return async function* merge(chunks) {
    const kept: Buffer[] = [];
    const iterator = chunks[Symbol.asyncIterator]();
    let next = iterator.next();
    for (;;) {
      const first = await next;
      if (first.done === true) return;
      kept.push(first.value);
      next = iterator.next();
      for (let i = 0; i < turns; i++) {
        const more = await Promise.race([next, turn('quiet' as const)]);
        if (more === 'quiet') continue;
        if (more.done === true) break;
        kept.push(more.value);
        next = iterator.next();
      }
      yield Buffer.concat(kept.splice(0));
    }
  };
}

/** Where a connection is cut: behind that many bytes of one direction. */
export interface Cut extends Way {
  readonly afterBytes: number;
}

/** Passes everything on up to one place, where it ends both sides of the connection. */
export function cutting(cut: Cut): Pass {
  return (from, to, { to: target, connection }) => {
    if (target !== cut.to || connection !== cut.connection) {
      from.pipe(to);
      return;
    }
    let left = cut.afterBytes;
    const end = (): void => {
      // What was sent before the cut still arrives.
      to.end();
      from.destroy();
    };
    if (left === 0) return end();
    from.on('data', (chunk: Buffer) => {
      to.write(chunk.subarray(0, left));
      left -= Math.min(left, chunk.length);
      if (left === 0) end();
    });
  };
}

/** Passes everything on, and keeps a copy of what the first connection carries. */
export function recording(into: Record<Way['to'], Buffer[]>): Pass {
  return (from, to, { to: target, connection }) => {
    if (connection === 0) from.on('data', (chunk: Buffer) => into[target].push(chunk));
    from.pipe(to);
  };
}

async function passOn(chunks: AsyncIterable<Buffer>, to: Socket): Promise<void> {
  try {
    for await (const chunk of chunks) if (!to.write(chunk)) await once(to, 'drain');
  } catch {
    // The other side went away in the middle; so does this one.
  }
  to.end();
}
