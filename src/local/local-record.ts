import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../base/errors.ts';
import type { Accelerator } from '../lab/system/accelerator.ts';
import { readIfThere } from '../lab/system/read-if-there.ts';
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
  const path = recordPath(folder);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const record = parseRecord(text);
  if (record !== undefined) return record;
  throw berthError('BERTH_FACTS_INVALID', {
    fact: path,
    problem: 'it cannot be read; remove the file, and berth up decides anew',
  });
}

/** Writes the record whole or not at all. */
export async function writeLocalRecord(folder: StateFolder, record: LocalRecord): Promise<void> {
  const path = recordPath(folder);
  await writeFile(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
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

function parseRecord(text: string): LocalRecord | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
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
