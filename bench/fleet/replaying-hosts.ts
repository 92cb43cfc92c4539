import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { FrameSplitter } from '../../src/libvirt/rpc/frame-splitter.ts';
import { encodeHeader, FrameType, Program } from '../../src/libvirt/rpc/frame.ts';
import type { Frame } from '../../src/libvirt/rpc/frame.ts';
import { KeepaliveProcedure } from '../../src/libvirt/rpc/keepalive.ts';
import type { Recording } from './recording.ts';
import { Replay } from './replay.ts';
import type { FleetSize, VmNumber } from './replay.ts';

/**
 * Many hosts in a process of their own: a socket for each, behind which a recorded libvirtd answers.
 * Started with the file of the recording, the folder for the sockets and the size as arguments; says
 * `ready`, and then takes VMs to toggle, each answered with the time at which its event was sent.
 */

/** What the process is asked for. */
export type Order = VmNumber | 'unknown';
/** What it says: it listens; when an event was sent (monotonic ms); calls that nobody recorded. */
export type Word = 'ready' | { readonly sentAt: number } | { readonly unknown: readonly number[] };

const [recordingFile = '', folder = '', hosts = '', vms = ''] = process.argv.slice(2);
const size: FleetSize = { hosts: Number(hosts), vms: Number(vms) };
const recording = JSON.parse(readFileSync(recordingFile, 'utf8')) as Recording;
const replay = new Replay(recording, size);
const clients = new Map<number, Set<Socket>>();

process.title = 'libvirtd'; // whose sockets a server looks for first
for (let host = 0; host < size.hosts; host++) await listen(host);
process.on('message', (order: Order) => {
  if (order === 'unknown') return say({ unknown: [...replay.unknown] });
  const event = replay.toggle(order);
  const sentAt = now();
  for (const socket of clients.get(order.host) ?? []) socket.write(event);
  say({ sentAt });
});
process.on('disconnect', () => process.exit());
say('ready');

async function listen(host: number): Promise<void> {
  const server = createServer((socket) => serveClient(host, socket));
  await new Promise<void>((resolve) => server.listen(join(folder, `${host}.sock`), resolve));
}

function serveClient(host: number, socket: Socket): void {
  const own = clients.get(host) ?? new Set();
  clients.set(host, own.add(socket));
  socket.on('error', () => undefined);
  socket.on('close', () => own.delete(socket));
  const splitter = new FrameSplitter('the client');
  socket.on('data', (chunk: Buffer) => {
    splitter.push(chunk, (frame) => socket.write(replyTo(host, frame)));
  });
}

function replyTo(host: number, frame: Frame): Buffer {
  if (frame.program !== Program.keepalive) return replay.answer(host, frame);
  return encodeHeader({ ...frame, procedure: KeepaliveProcedure.pong, type: FrameType.message }, 0);
}

function say(word: Word): void {
  process.send?.(word);
}

/** Milliseconds by the clock that all processes of the machine share. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
