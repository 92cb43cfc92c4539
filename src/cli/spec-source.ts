import { open } from 'node:fs/promises';
import { parseSpecFile, SPEC_FILE_BYTES_MAX } from '../api/spec-file.ts';
import type { SpecEntry } from '../api/spec-file.ts';
import { berthError } from '../base/errors.ts';
import type { Session } from './session.ts';

/**
 * Reads the VM documents of `-f`: a file, or standard input for `-`.
 * @throws BERTH_USAGE when it cannot be read, BERTH_SPEC_INVALID with line and column.
 */
export async function readSpecs(path: string, session: Session): Promise<readonly SpecEntry[]> {
  if (path === '-') return parseSpecFile(await readInput(session), 'standard input');
  return parseSpecFile(await readFile(path), path);
}

async function readFile(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    if (size > SPEC_FILE_BYTES_MAX) throw tooLarge(path, size);
    // A device or a pipe has no size: it is read no further than the limit.
    return await limitedText(file.createReadStream({ autoClose: false }), path);
  } catch (error) {
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EISDIR: 'it is a folder',
      EACCES: 'you may not read it',
    };
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reason = reasons[code];
    if (reason === undefined) throw error;
    throw berthError('BERTH_USAGE', {
      problem: `cannot read ${path}: ${reason}`,
      usage: 'name a YAML file with VM documents, or - for standard input',
    });
  }
}

async function readInput({ ports: { stdin, signal } }: Session): Promise<string> {
  const stop = (): void => void stdin.destroy(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await limitedText(stdin as AsyncIterable<Uint8Array | string>, 'standard input');
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function limitedText(
  source: AsyncIterable<Uint8Array | string>,
  what: string,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    const bytes = typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk;
    size += bytes.length;
    if (size > SPEC_FILE_BYTES_MAX) throw tooLarge(what, size);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLarge(what: string, size: number): Error {
  return berthError('BERTH_TOO_LARGE', { what, size, max: SPEC_FILE_BYTES_MAX });
}
