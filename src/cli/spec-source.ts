import { parseSpecFile, SPEC_FILE_BYTES_MAX } from '../api/spec-file.ts';
import type { SpecEntry } from '../api/spec-file.ts';
import { readInput } from './input-bytes.ts';
import type { Session } from './session.ts';

/**
 * Reads the VM documents of `-f`: a file, or standard input for `-`.
 * @throws BERTH_USAGE when it cannot be read, BERTH_SPEC_INVALID with line and column.
 */
export async function readSpecs(path: string, session: Session): Promise<readonly SpecEntry[]> {
  const limits = {
    bytesMax: SPEC_FILE_BYTES_MAX,
    usage: 'name a YAML file with VM documents, or - for standard input',
  };
  const bytes = await readInput(path, limits, session);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  return parseSpecFile(text, path === '-' ? 'standard input' : path);
}
