import { gunzip } from 'node:zlib';
import { promisify } from 'node:util';
import { berthError } from '../../base/errors.ts';
import { readInput } from '../input-bytes.ts';
import type { Session } from '../session.ts';

/** Larger files are refused before they are read, and larger contents while they are unpacked. */
const BYTES_MAX = 256 * 1024 * 1024;

const unzip = promisify(gunzip);

/** The text of a file, or of standard input for `-`; what is gzipped is unpacked. */
export async function readText(path: string, usage: string, session: Session): Promise<string> {
  const bytes = await readInput(path, { bytesMax: BYTES_MAX, usage }, session);
  const isZipped = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return new TextDecoder().decode(isZipped ? await unpacked(bytes, path) : bytes);
}

async function unpacked(bytes: Uint8Array, path: string): Promise<Uint8Array> {
  try {
    return await unzip(bytes, { maxOutputLength: BYTES_MAX });
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE') {
      const what = `the unpacked size in bytes of ${path}`;
      throw berthError('BERTH_TOO_LARGE', { what, size: BYTES_MAX + 1, max: BYTES_MAX });
    }
    const problem = `${path} begins as gzip does, and cannot be unpacked`;
    const usage = 'check the file with: gzip --test';
    throw berthError('BERTH_USAGE', { problem, usage }, { cause });
  }
}
