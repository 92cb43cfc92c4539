import type { IncomingMessage } from 'node:http';
import type { RawData, WebSocket } from 'ws';
import type { VmView } from '../api/resources.ts';
import { berthError } from '../base/errors.ts';
import { refusedConsole, refusedUpgrade } from './console-refusal.ts';
import { ConsoleListener } from './console-listener.ts';
import { RawMode } from './raw-mode.ts';
import type { Session } from './session.ts';

/** Ctrl+], as in virsh and telnet. */
const ESCAPE = 0x1d;
/** More unsent bytes than this stop the reading of standard input until they are gone. */
const UNSENT_BYTES_MAX = 64 * 1024;
/** Close codes that mean an ordinary end (RFC 6455): done, going away, none given. */
const ORDINARY_CLOSES: readonly number[] = [1000, 1001, 1005];
/** The server cannot go on; the reason says why. */
const REFUSED_CLOSE = 4000;

/** What `vm console` was asked to do. */
export interface ConsoleRequest {
  readonly name: string;
  /** Takes the console from whoever has it. */
  readonly force: boolean;
  /** Without a terminal: end when this text has come. */
  readonly until?: string;
  /** Without a terminal: how long to wait for `until`, in seconds as typed. */
  readonly timeout: string;
}

/**
 * Connects standard input and output to a VM's serial console. On a terminal every key goes to the
 * guest until Ctrl+]; else the input is sent and the output printed until the console is quiet. The
 * terminal is as before on every way out.
 * @throws BERTH_CONFLICT when somebody else has the console, BERTH_DEADLINE when `until` never came.
 */
export async function runConsole(session: Session, request: ConsoleRequest): Promise<void> {
  const { stdin, signal } = session.ports;
  const interactive = stdin.isTTY === true;
  checkRequest(session, request, interactive);
  const client = await session.client();
  // A missing server or VM is told better by an ordinary request than by a failed upgrade.
  checkRuns(await client.vm(request.name, signal));
  if (interactive) await session.note(`connecting to ${request.name}; Ctrl+] leaves`);
  const socket = client.openConsole(request.name, { force: request.force });
  const listener = new ConsoleListener(session, request);
  const closed = closedBy(socket, request.name);
  const print = (data: RawData): void => {
    // One message at a time: the guest's output may come faster than a terminal shows it.
    socket.pause();
    listener.take(bytesOf(data)).then(() => socket.resume(), listener.fail);
  };
  socket.on('message', print);
  const stop = (): void => {
    session.status = 130;
    listener.finish();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    using _raw = interactive ? new RawMode(stdin) : undefined;
    await Promise.race([opened(socket), closed]);
    using _input = forwardInput(session, socket, listener, interactive);
    await Promise.race([closed, listener.finished]);
  } finally {
    signal.removeEventListener('abort', stop);
    socket.off('message', print);
    listener.dispose();
    socket.terminate();
    stdin.pause();
    // Ending a socket that never opened makes it fail once more; that tells nothing new.
    closed.catch(() => {});
  }
  await listener.answer();
}

function checkRequest(session: Session, request: ConsoleRequest, interactive: boolean): void {
  if (interactive && session.json) {
    throw berthError('BERTH_USAGE', {
      problem: '--json has no form for a terminal',
      usage: "send the input instead: printf 'uname -a\\n' | berth vm console NAME --json",
    });
  }
  if (!/^\d{1,5}$/.test(request.timeout)) {
    throw berthError('BERTH_SPEC_INVALID', {
      where: '--timeout',
      problem: `"${request.timeout}" is not a whole number of seconds`,
      expected: 'a number such as 60',
    });
  }
}

function checkRuns({ name, state }: VmView): void {
  if (state !== 'shutoff' && state !== 'crashed') return;
  throw berthError('BERTH_CONFLICT', {
    what: `the console of ${name}`,
    why: `the VM is ${state}`,
    remedy: `start it with: berth vm start ${name}`,
  });
}

async function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => socket.once('open', resolve));
}

/** Settles when the console ends: quietly for an ordinary close, else with a coded error. */
async function closedBy(socket: WebSocket, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.on('unexpected-response', (_request, response: IncomingMessage) => {
      refusedUpgrade(response, name).then(reject, reject);
    });
    socket.on('error', (error) => {
      reject(lost(name, 'code' in error ? String(error.code) : error.message, error));
    });
    socket.on('close', (code: number, reason: Buffer) => {
      if (code === REFUSED_CLOSE) reject(refusedConsole(reason.toString('utf8'), name));
      else if (ORDINARY_CLOSES.includes(code)) resolve();
      else reject(lost(name, `the server went away (${code})`));
    });
  });
}

function lost(name: string, reason: string, cause?: Error): Error {
  const where = `the console of ${name}`;
  return berthError('BERTH_CONNECTION_CLOSED', { where, reason }, { cause });
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

/** Sends standard input to the guest until disposed; the escape key or the input's end is told. */
function forwardInput(
  { ports: { stdin } }: Session,
  socket: WebSocket,
  listener: ConsoleListener,
  interactive: boolean,
): Disposable {
  const send = (bytes: Uint8Array): void => {
    socket.send(bytes, () => {
      if (stdin.isPaused() && socket.bufferedAmount < UNSENT_BYTES_MAX) stdin.resume();
    });
    if (socket.bufferedAmount >= UNSENT_BYTES_MAX) stdin.pause();
  };
  const onData = (chunk: Uint8Array | string): void => {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (!interactive) return send(asTyped(bytes));
    const escape = bytes.indexOf(ESCAPE);
    if (escape === -1) return send(bytes);
    if (escape > 0) send(bytes.subarray(0, escape));
    listener.finish();
  };
  const onEnd = (): void => {
    if (interactive) listener.finish();
    else listener.inputEnded();
  };
  stdin.on('data', onData);
  stdin.on('end', onEnd);
  return {
    [Symbol.dispose]: () => {
      stdin.off('data', onData);
      stdin.off('end', onEnd);
    },
  };
}

/** Lines end as the Enter key ends them: firmware and boot loaders know only that. */
function asTyped(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte) => (byte === 0x0a ? 0x0d : byte));
}
