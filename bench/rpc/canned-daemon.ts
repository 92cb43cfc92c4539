import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { encodeHeader, FrameType, type Frame } from '../../src/libvirt/rpc/frame.ts';
import { FrameSplitter } from '../../src/libvirt/rpc/frame-splitter.ts';

/**
 * A process that answers the calls of an opening, the library's version, and bulk statistics with
 * the bytes of a file: `canned-daemon.ts SOCKET FILE`. libvirtd itself takes more CPU time for a
 * call than any client, so against it no client can show how fast it is.
 */

const [socketPath = '', statsPath = ''] = process.argv.slice(2);
const NOTHING = Buffer.alloc(0);

/** Payloads by procedure number. No features: neither keepalive nor events are offered. */
const REPLIES: ReadonlyMap<number, Buffer> = new Map([
  [66, words(1, 0)], // auth_list: none
  [60, words(0)], // connect_supports_feature
  [157, words(0, 9_000_000)], // connect_get_lib_version
  [344, readFileSync(statsPath)], // connect_get_all_domain_stats
]);

process.stdin.resume().once('end', () => process.exit(0)); // whoever started it is gone
createServer(serve).listen(socketPath, () => process.stdout.write('ready'));

function serve(socket: Socket): void {
  const splitter = new FrameSplitter('a client');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    socket.cork();
    splitter.push(chunk, (call) => answer(socket, call));
    socket.uncork();
  });
}

function answer(socket: Socket, call: Frame): void {
  const payload = REPLIES.get(call.procedure) ?? NOTHING;
  socket.write(encodeHeader({ ...call, type: FrameType.reply }, payload.length));
  if (payload.length > 0) socket.write(payload);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
  return bytes;
}
