import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseSpecFile, SPEC_FILE_BYTES_MAX } from '../api/spec-file.ts';
import type { SpecEntry } from '../api/spec-file.ts';
import { atOnce } from '../base/at-once.ts';
import { berthError } from '../base/errors.ts';
import { readInput } from './input-bytes.ts';
import type { Session } from './session.ts';

/** A VM of a file, and which. */
export interface SourcedSpec extends SpecEntry {
  readonly file: string;
}

const READS_AT_ONCE = 8;
const SPEC_FILE = /\.(ya?ml|json)$/;

/**
 * Reads the VM documents of `-f`: a file, or standard input for `-`.
 * @throws BERTH_USAGE when it cannot be read, BERTH_SPEC_INVALID with line and column.
 */
export async function readSpecs(path: string, session: Session): Promise<readonly SourcedSpec[]> {
  const limits = {
    bytesMax: SPEC_FILE_BYTES_MAX,
    usage: 'name a YAML file with VM documents, or - for standard input',
  };
  const bytes = await readInput(path, limits, session);
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const file = path === '-' ? 'standard input' : path;
  return parseSpecFile(text, file).map((entry) => ({ ...entry, file }));
}

/**
 * The same for a folder as well: of every `.yaml`, `.yml` and `.json` file in it and in folders below,
 * by path. What begins with a dot is left out.
 * @throws as `readSpecs`; BERTH_SPEC_INVALID for two VMs of one name, naming both files
 */
export async function readSpecTree(
  path: string,
  session: Session,
): Promise<readonly SourcedSpec[]> {
  const files = (await isFolder(path)) ? await specFiles(path) : [path];
  const read = await atOnce(READS_AT_ONCE, files, async (file) => readSpecs(file, session));
  const entries = read.flat();
  const places = new Map<string, string>();
  for (const { spec, file } of entries) {
    const first = places.get(spec.name);
    if (first !== undefined) {
      throw berthError('BERTH_SPEC_INVALID', {
        where: file,
        problem: `a VM named ${spec.name} is in ${first === file ? 'it twice' : `${first}, too`}`,
        expected: 'a name of its own for each VM',
      });
    }
    places.set(spec.name, file);
  }
  return entries;
}

async function isFolder(path: string): Promise<boolean> {
  if (path === '-') return false;
  // What is not there, or cannot be looked at, is told by whoever reads it.
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}

async function specFiles(folder: string): Promise<readonly string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found
    .filter((entry) => entry.isFile() && SPEC_FILE.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/(^|\/)\.[^./]/.test(path.slice(folder.length)))
    .toSorted();
  if (files.length > 0) return files;
  throw berthError('BERTH_USAGE', {
    problem: `there is no .yaml, .yml or .json file in ${folder}`,
    usage: 'name a folder with VM documents, or a file',
  });
}
