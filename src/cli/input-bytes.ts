import { open } from 'node:fs/promises';
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
  return path === '-' ? readStandardInput(limits, session) : readFile(path, limits);
}

async function readFile(path: string, { bytesMax, usage }: InputLimits): Promise<Uint8Array> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    if (size > bytesMax) throw tooLarge(path, size, bytesMax);
    // A device or a pipe has no size: it is read no further than the limit.
    return await limitedBytes(file.createReadStream({ autoClose: false }), path, bytesMax);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reason = REASONS[code];
    if (reason === undefined) throw error;
    throw berthError('BERTH_USAGE', { problem: `cannot read ${path}: ${reason}`, usage });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'you may not read it',
  EPERM: 'you may not read it',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the name is too long',
  ENXIO: 'nothing can be read from it',
  EIO: 'the disk that it lies on fails',
};

async function readStandardInput(
  { bytesMax }: InputLimits,
  { ports: { stdin, signal } }: Session,
): Promise<Uint8Array> {
  const stop = (): void => void stdin.destroy(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    const chunks = stdin as AsyncIterable<Uint8Array | string>;
    return await limitedBytes(chunks, 'standard input', bytesMax);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function limitedBytes(
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
  return berthError('BERTH_TOO_LARGE', { what, size, max });
}
