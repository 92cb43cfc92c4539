import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isIdentity, type ProcessIdentity } from '../system/process-identity.ts';
import { readRecordFile, writeRecordFile } from '../system/record-file.ts';
import type { HostCgroups } from './host-cgroups.ts';

const FILE = 'host.json';

/**
 * What a host's folder remembers of it, enough to find it again or to clear it away after any
 * crash. It is written before the effect it names: cgroups before they are made.
 */
export interface HostRecord {
  readonly kind: 'namespace' | 'session';
  readonly name: string;
  readonly hideKvm: boolean;
  /** Folder shown in place of the machine's CPUs and cells; undefined when they are shown. */
  readonly sysTree?: string;
  /** The cgroups that belong to the host; undefined when it lives in its starter's. */
  readonly cgroups?: HostCgroups;
  /** True when /var/lib/libvirt is a file system of the host's own, seen by it alone. */
  readonly ownDisk?: boolean;
  /** The process that all others end with; undefined until it was started. */
  readonly process?: ProcessIdentity;
  /** True once libvirt answered and the host was let go; a host that never was is not adopted. */
  readonly ready: boolean;
}

/**
 * The record in a folder; undefined when there is none.
 * @throws BERTH_FACTS_INVALID when the file is not one of ours: better to stop than to kill a stranger.
 */
export async function readHostRecord(dir: string): Promise<HostRecord | undefined> {
  return readRecordFile(
    join(dir, FILE),
    (value) => (isRecord(value) ? value : undefined),
    'it does not describe a host; if nothing runs there, remove the file',
  );
}

/** Writes the record whole or not at all. */
export async function writeHostRecord(dir: string, record: HostRecord): Promise<void> {
  await writeRecordFile(join(dir, FILE), record);
}

/** Forgets the host: nothing is left to be cleared away. */
export async function removeHostRecord(dir: string): Promise<void> {
  await rm(join(dir, FILE), { force: true });
}

function isRecord(value: unknown): value is HostRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record: Partial<Record<keyof HostRecord, unknown>> = value;
  return (
    (record.kind === 'namespace' || record.kind === 'session') &&
    typeof record.name === 'string' &&
    typeof record.hideKvm === 'boolean' &&
    typeof record.ready === 'boolean' &&
    (record.sysTree === undefined || typeof record.sysTree === 'string') &&
    (record.ownDisk === undefined || typeof record.ownDisk === 'boolean') &&
    (record.cgroups === undefined || isCgroups(record.cgroups)) &&
    (record.process === undefined || isIdentity(record.process))
  );
}

function isCgroups(value: unknown): value is HostCgroups {
  if (typeof value !== 'object' || value === null) return false;
  const { version, controllers, paths }: Partial<Record<keyof HostCgroups, unknown>> = value;
  return (version === 1 || version === 2) && areStrings(controllers) && areStrings(paths);
}

function areStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
