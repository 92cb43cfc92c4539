import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError, isBerthError } from '../../base/errors.ts';
import { isIdentity, type ProcessIdentity } from '../system/process-identity.ts';
import { readIfThere } from '../system/read-if-there.ts';
import { faultText, parseFault, type Fault } from './fault.ts';

/**
 * What a host's folder remembers of how the host was broken. A fault is written down before it takes
 * effect and struck out after it was mended, so what is broken is always among these.
 */
export interface FaultRecord {
  readonly faults: readonly Fault[];
  /** The process that delays or drops frames. */
  readonly wire?: ProcessIdentity;
}

const FILE = 'in-force.json';

/** Where a host's folder keeps all about its faults. */
export function faultFolder(dir: string): string {
  return join(dir, 'faults');
}

/**
 * What was done to the host of a folder.
 * @throws BERTH_FACTS_INVALID when the file is not one of ours.
 */
export async function readFaultRecord(dir: string): Promise<FaultRecord> {
  const path = join(faultFolder(dir), FILE);
  const text = await readIfThere(path);
  if (text === undefined) return { faults: [] };
  const record = parseRecord(text);
  if (record !== undefined) return record;
  const problem = 'it does not tell of faults; if the host is not broken, remove the file';
  throw berthError('BERTH_FACTS_INVALID', { fact: path, problem });
}

/** Writes the record whole or not at all. */
export async function writeFaultRecord(dir: string, { faults, wire }: FaultRecord): Promise<void> {
  const path = join(faultFolder(dir), FILE);
  const text = JSON.stringify({ faults: faults.map(faultText), wire }, null, 2);
  await mkdir(faultFolder(dir), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, `${text}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function parseRecord(text: string): FaultRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { faults, wire }: Partial<Record<keyof FaultRecord, unknown>> = value;
    if (!Array.isArray(faults) || !(wire === undefined || isIdentity(wire))) return undefined;
    const parsed = faults.map((words) => parseFault(String(words).split(' ')));
    return { faults: parsed, ...(wire === undefined ? {} : { wire }) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    if (isBerthError(error, 'BERTH_NOT_FOUND') || isBerthError(error, 'BERTH_SPEC_INVALID')) {
      return undefined;
    }
    throw error;
  }
}
