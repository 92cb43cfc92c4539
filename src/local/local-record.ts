import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Accelerator } from '../lab/system/accelerator.ts';
import { readRecordFile, writeRecordFile } from '../lab/system/record-file.ts';
import type { StateFolder } from './state-folder.ts';

/** Where the guests of this machine run. */
export type HypervisorKind = 'system' | 'namespace' | 'session';

/** What `up` decided for a state folder, so that later calls keep to it. */
export interface LocalRecord {
  /** The hypervisor; a system libvirt that appears later does not take over from a private one. */
  readonly kind: HypervisorKind;
  /** What `--accel` said, until it says something else. */
  readonly accel?: Accelerator;
  /** This machine's name in the registry. */
  readonly hostName: string;
  /** VMs that ran when `down` ended them, to be started by the next `up`. */
  readonly resume: readonly string[];
}

/**
 * The record of a state folder; undefined before the first `up`.
 * @throws BERTH_FACTS_INVALID when the file is damaged.
 */
export async function readLocalRecord(folder: StateFolder): Promise<LocalRecord | undefined> {
  return readRecordFile(
    recordPath(folder),
    (value) => (isRecord(value) ? value : undefined),
    'it cannot be read; remove the file, and berth up decides anew',
  );
}

/** Writes the record whole or not at all. */
export async function writeLocalRecord(folder: StateFolder, record: LocalRecord): Promise<void> {
  await writeRecordFile(recordPath(folder), record);
}

/** Puts back what `readLocalRecord` gave. */
export async function restoreLocalRecord(
  folder: StateFolder,
  record: LocalRecord | undefined,
): Promise<void> {
  if (record === undefined) await rm(recordPath(folder), { force: true });
  else await writeLocalRecord(folder, record);
}

function recordPath({ home }: StateFolder): string {
  return join(home, 'local.json');
}

function isRecord(value: unknown): value is LocalRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record: Partial<Record<keyof LocalRecord, unknown>> = value;
  return (
    (record.kind === 'system' || record.kind === 'namespace' || record.kind === 'session') &&
    (record.accel === undefined || record.accel === 'kvm' || record.accel === 'tcg') &&
    typeof record.hostName === 'string' &&
    Array.isArray(record.resume) &&
    record.resume.every((name) => typeof name === 'string')
  );
}
