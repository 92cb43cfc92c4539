import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/**
 * The text of a file in the folder that BERTH_TEST_DATA names, or beside it; unpacked where it is
 * gzipped. Undefined where the file is not there.
 */
export function dataText(name: string): string | undefined {
  const folder = process.env['BERTH_TEST_DATA'];
  if (folder === undefined) return undefined;
  const path = join(folder, name);
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
}

/** What to say where data are missing. */
export function absence(names: readonly string[]): string {
  return `Not measured: needs ${names.join(', ')} in the folder that BERTH_TEST_DATA names.`;
}
