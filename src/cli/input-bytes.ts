import { closeSync, constants, createReadStream, fstat, open } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { isatty, ReadStream } from 'node:tty';
import { promisify } from 'node:util';
import { berthError } from '../base/errors.ts';
import type { Session } from './session.ts';

/** What may be read, and what to do about a file that cannot be. */
export interface InputLimits {
  /** The most bytes that are read. */
  readonly bytesMax: number;
  /** What to name instead, in one line. */
  readonly usage: string;
}

/**
 * The bytes of a file that was named on the command line, or of standard input for `-`.
 * @throws BERTH_USAGE when it cannot be read, BERTH_TOO_LARGE beyond the limit.
 */
export async function readInput(
  path: string,
  limits: InputLimits,
  session: Session,
): Promise<Uint8Array> {
  return path === '-' ? readStandardInput(limits, session) : readFile(path, limits, session);
}

async function readFile(
  path: string,
  { bytesMax, usage }: InputLimits,
  { ports: { signal } }: Session,
): Promise<Uint8Array> {
  try {
    const source = await sourceOf(path, bytesMax);
    return await limitedBytes(source, path, bytesMax, signal);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reason = REASONS[code];
    if (reason === undefined) throw error;
    const name = path === '' ? "''" : path;
    throw berthError('BERTH_USAGE', { problem: `cannot read ${name}: ${reason}`, usage });
  }
}

const openFile = promisify(open);
const statFile = promisify(fstat);

/**
 * Opened so that nothing waits in a thread, which no signal would end: pipes and terminals are
 * waited for by the event loop. A named pipe that nobody writes to is waited for, as `cat` does.
 */
async function sourceOf(path: string, bytesMax: number): Promise<Readable> {
  const fd = await openFile(path, OPEN_FLAGS);
  try {
    const stat = await statFile(fd);
    if (stat.isDirectory()) throw Object.assign(new Error(path), { code: 'EISDIR' });
    if (stat.isFIFO()) return new Socket({ fd, readable: true, writable: false });
    if (isatty(fd)) return new ReadStream(fd);
    if (stat.size > bytesMax) throw tooLarge(path, stat.size, bytesMax);
    // A device has no size: it is read no further than the limit.
    return createReadStream(path, { fd });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  ENXIO: 'nothing can be read from it',
  EIO: 'reading it ended in an input/output error',
};

async function readStandardInput(
  { bytesMax }: InputLimits,
  { ports: { stdin, signal } }: Session,
): Promise<Uint8Array> {
  return limitedBytes(stdin, 'standard input', bytesMax, signal);
}

/** Reads a stream to its end; the signal ends the wait for it. */
async function limitedBytes(
  source: Session['ports']['stdin'],
  what: string,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const stop = (): void => void source.destroy(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await collected(source as AsyncIterable<Uint8Array | string>, what, bytesMax);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function collected(
  source: AsyncIterable<Uint8Array | string>,
  what: string,
  bytesMax: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
    size += bytes.length;
    if (size > bytesMax) throw tooLarge(what, size, bytesMax);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function tooLarge(what: string, size: number, max: number): Error {
  return berthError('BERTH_TOO_LARGE', { what: `the size in bytes of ${what}`, size, max });
}
