import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import type { ProcessIdentity } from '../system/process-identity.ts';
import { readIfThere } from '../system/read-if-there.ts';
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
  const path = join(dir, FILE);
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const record = parseRecord(text);
  if (record !== undefined) return record;
  throw berthError('BERTH_FACTS_INVALID', {
    fact: path,
    problem: 'it does not describe a KVM host; if nothing runs there, remove the file',
  });
}

/** Writes the record whole or not at all. */
export async function writeKvmHostRecord(dir: string, record: KvmHostRecord): Promise<void> {
  const path = join(dir, FILE);
  await writeFile(`${path}.new`, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Forgets the host: nothing is left to be cleared away. */
export async function removeKvmHostRecord(dir: string): Promise<void> {
  await rm(join(dir, FILE), { force: true });
}

function parseRecord(text: string): KvmHostRecord | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return isRecord(value) ? value : undefined;
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

function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const identity: Partial<Record<keyof ProcessIdentity, unknown>> = value;
  return (
    Number.isSafeInteger(identity.pid) &&
    typeof identity.startTicks === 'string' &&
    typeof identity.bootId === 'string'
  );
}
