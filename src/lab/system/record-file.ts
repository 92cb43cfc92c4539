import { rename, writeFile } from 'node:fs/promises';
import { berthError } from '../../base/errors.ts';
import { readIfThere } from './read-if-there.ts';

/**
 * Reads a record that `writeRecordFile` wrote; undefined when there is none.
 * @param parse what the JSON stands for, or undefined when it is no such record.
 * @param problem what is wrong then, and what to do.
 * @throws BERTH_FACTS_INVALID for a file that is none of ours: better to stop than to act on it.
 */
export async function readRecordFile<T>(
  path: string,
  parse: (value: unknown) => T | undefined,
  problem: string,
): Promise<T | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const record = parse(parseJson(text));
  if (record !== undefined) return record;
  throw berthError('BERTH_FACTS_INVALID', { fact: path, problem });
}

/** Writes a record as JSON, whole or not at all, for its owner alone. */
export async function writeRecordFile(path: string, record: unknown): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
