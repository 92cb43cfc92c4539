import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isIdentity, type ProcessIdentity } from '../system/process-identity.ts';
import { readRecordFile, writeRecordFile } from '../system/record-file.ts';
import type { KvmHostRelease } from './kvm-host-image.ts';

const FILE = 'kvm-host.json';

/** What a KVM host's folder remembers of it, enough to find it again or to clear it away. */
export interface KvmHostRecord {
  readonly name: string;
  readonly release: KvmHostRelease;
  /** Private key that the machine lets in as root. */
  readonly identity: string;
  /** Where it stands on a lab's network; undefined when it stands alone. */
  readonly place?: {
    readonly keeper: ProcessIdentity;
    readonly link: string;
    readonly address: string;
  };
  /** Its pid 1 outside, which all else ends with; undefined until it was started. */
  readonly process?: ProcessIdentity;
  /** True once libvirt answered; a host that never was ready is not found again, but cleared. */
  readonly ready: boolean;
}

/**
 * The record in a folder; undefined when there is none.
 * @throws BERTH_FACTS_INVALID when the file is not one of ours: better to stop than to kill a stranger.
 */
export async function readKvmHostRecord(dir: string): Promise<KvmHostRecord | undefined> {
  return readRecordFile(
    join(dir, FILE),
    (value) => (isRecord(value) ? value : undefined),
    'it does not describe a KVM host; if nothing runs there, remove the file',
  );
}

/** Writes the record whole or not at all. */
export async function writeKvmHostRecord(dir: string, record: KvmHostRecord): Promise<void> {
  await writeRecordFile(join(dir, FILE), record);
}

/** Forgets the host: nothing is left to be cleared away. */
export async function removeKvmHostRecord(dir: string): Promise<void> {
  await rm(join(dir, FILE), { force: true });
}

function isRecord(value: unknown): value is KvmHostRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record: Partial<Record<keyof KvmHostRecord, unknown>> = value;
  return (
    (record.release === 'bookworm' || record.release === 'trixie') &&
    typeof record.name === 'string' &&
    typeof record.identity === 'string' &&
    typeof record.ready === 'boolean' &&
    (record.process === undefined || isIdentity(record.process)) &&
    (record.place === undefined || isPlace(record.place))
  );
}

function isPlace(value: unknown): value is KvmHostRecord['place'] {
  if (typeof value !== 'object' || value === null) return false;
  const { keeper, link, address } = value as Readonly<Record<string, unknown>>;
  return isIdentity(keeper) && typeof link === 'string' && typeof address === 'string';
}
