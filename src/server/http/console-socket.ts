import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { problemOf } from '../../api/problem.ts';

/** Close code with a problem as reason, from the range that RFC 6455 leaves to applications. */
const CLOSE_PROBLEM = 4000;
const CLOSE_NORMAL = 1000;
/** A close reason may have at most this many bytes (RFC 6455, 5.5). */
const REASON_BYTES_MAX = 123;
/** When the browser or terminal has not taken this many bytes, the guest's output waits. */
const BUFFERED_BYTES_MAX = 1024 * 1024;
const DRAIN_CHECK_MS = 20;
const CONSOLE_OPEN_MS = 15_000;
/** What may be typed before the console is open; then the socket waits. */
const EARLY_BYTES_MAX = 64 * 1024;

/** How long opening a console may take. */
export interface ConsoleWait {
  readonly signal: AbortSignal;
  readonly deadlineMs: number;
}

/**
 * Joins a websocket and a guest's console, with back-pressure both ways. Either end closing closes
 * the other; what was typed before the console was open is kept for it.
 */
export function attachConsole(
  socket: WebSocket,
  open: (wait: ConsoleWait) => Promise<Duplex>,
): void {
  const gone = new AbortController();
  const early: Buffer[] = [];
  let earlyBytes = 0;
  const keep = (data: Buffer): void => {
    early.push(data);
    earlyBytes += data.length;
    if (earlyBytes > EARLY_BYTES_MAX) socket.pause();
  };
  socket.on('message', keep);
  socket.on('close', () => gone.abort());
  socket.on('error', () => socket.terminate());
  const begin = async (): Promise<void> => {
    const stream = await open({ signal: gone.signal, deadlineMs: CONSOLE_OPEN_MS });
    socket.off('message', keep);
    socket.resume();
    if (socket.readyState === socket.OPEN) join(socket, stream, early);
    else stream.destroy();
  };
  begin().catch((error: unknown) => closeWith(socket, error));
}

function join(socket: WebSocket, stream: Duplex, early: readonly Buffer[]): void {
  const toGuest = (data: Buffer): void => {
    if (stream.writable && !stream.write(data)) socket.pause();
  };
  for (const data of early) toGuest(data);
  socket.on('message', toGuest);
  stream.on('drain', () => socket.resume());
  stream.on('data', (chunk: Buffer) => {
    socket.send(chunk);
    if (socket.bufferedAmount > BUFFERED_BYTES_MAX) waitForDrain(socket, stream);
  });
  stream.on('end', () => socket.close(CLOSE_NORMAL, 'the guest has ended'));
  stream.on('error', (error) => closeWith(socket, error));
  socket.on('close', () => stream.destroy());
}

/** The ws library tells how much is waiting but not when it is gone. */
function waitForDrain(socket: WebSocket, stream: Duplex): void {
  stream.pause();
  const timer = setInterval(() => {
    if (socket.bufferedAmount > BUFFERED_BYTES_MAX / 2 && socket.readyState === socket.OPEN) return;
    clearInterval(timer);
    stream.resume();
  }, DRAIN_CHECK_MS);
}

function closeWith(socket: WebSocket, error: unknown): void {
  const problem = problemOf(error);
  const reason = Buffer.from(JSON.stringify({ code: problem.code, detail: problem.detail }));
  const short = Buffer.from(JSON.stringify({ code: problem.code }));
  socket.close(CLOSE_PROBLEM, reason.length <= REASON_BYTES_MAX ? reason : short);
}
