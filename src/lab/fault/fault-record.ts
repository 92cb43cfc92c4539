import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isBerthError } from '../../base/errors.ts';
import { isIdentity, isSameProcess, type ProcessIdentity } from '../system/process-identity.ts';
import { readRecordFile, writeRecordFile } from '../system/record-file.ts';
import { faultText, parseFault, type Fault } from './fault.ts';
import type { FaultTarget } from './fault-target.ts';

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

type Place = Pick<FaultTarget, 'dir' | 'process'>;

/**
 * What was done to a host in its present life. What was done before a crash is over, but for a disk
 * that was filled: that is the same one still.
 * @throws BERTH_FACTS_INVALID when the file is not one of ours.
 */
export async function readFaultRecord({ dir, process }: Place): Promise<FaultRecord> {
  const record = await readRecordFile(
    join(faultFolder(dir), FILE),
    parseRecord,
    'it does not tell of faults; if the host is not broken, remove the file',
  );
  if (record === undefined) return { faults: [] };
  const { host, ...rest } = record;
  if (isSameProcess(host, process)) return rest;
  return { faults: rest.faults.filter(({ kind }) => kind === 'disk-full') };
}

/** Writes the record whole or not at all. */
export async function writeFaultRecord(
  { dir, process: host }: Place,
  { faults, wire }: FaultRecord,
): Promise<void> {
  await mkdir(faultFolder(dir), { recursive: true, mode: 0o700 });
  const record = { host, faults: faults.map(faultText), wire };
  await writeRecordFile(join(faultFolder(dir), FILE), record);
}

/** As it is on disk, with the process that was the host. */
interface StoredRecord extends FaultRecord {
  readonly host: ProcessIdentity;
}

function parseRecord(value: unknown): StoredRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { host, faults, wire }: Partial<Record<keyof StoredRecord, unknown>> = value;
  if (!isIdentity(host) || !Array.isArray(faults)) return undefined;
  if (wire !== undefined && !isIdentity(wire)) return undefined;
  try {
    const parsed = faults.map((words) => parseFault(String(words).split(' ')));
    return { host, faults: parsed, ...(wire === undefined ? {} : { wire }) };
  } catch (error) {
    if (isBerthError(error, 'BERTH_NOT_FOUND') || isBerthError(error, 'BERTH_SPEC_INVALID')) {
      return undefined;
    }
    throw error;
  }
}
