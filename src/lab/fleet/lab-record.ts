import { join } from 'node:path';
import { isIdentity } from '../system/process-identity.ts';
import { readRecordFile, writeRecordFile } from '../system/record-file.ts';
import type { HostKind } from './lab-info.ts';
import type { Keeper } from './keeper.ts';
import type { PageLoan } from './page-loan.ts';

const FILE = 'lab.json';

/**
 * What a lab's folder remembers, enough to find the lab again or to clear it away after any crash.
 * It is written before the effects that it names.
 */
export interface LabRecord {
  readonly name: string;
  readonly keeper?: Keeper;
  readonly hosts: readonly LabHostRecord[];
  readonly loan?: PageLoan;
  readonly notes: readonly string[];
}

export interface LabHostRecord {
  /** From 1; names, addresses and links are made of it. */
  readonly index: number;
  readonly kind: HostKind;
  readonly machine: string;
  /** Tells machines of one name apart; absent for those that are not shown. */
  readonly digest?: string;
  /** Bytes of its own disk. */
  readonly disk?: number;
  readonly ssh: boolean;
  readonly tls: boolean;
}

/**
 * The record in a lab's folder; undefined when there is none.
 * @throws BERTH_FACTS_INVALID when the file is not one of ours: better to stop than to kill a stranger.
 */
export async function readLabRecord(dir: string): Promise<LabRecord | undefined> {
  return readRecordFile(
    join(dir, FILE),
    (value) => (isLabRecord(value) ? value : undefined),
    'it does not describe a lab; if nothing of one runs, remove its folder',
  );
}

/** Writes the record whole or not at all. */
export async function writeLabRecord(dir: string, record: LabRecord): Promise<void> {
  await writeRecordFile(join(dir, FILE), record);
}

function isLabRecord(value: unknown): value is LabRecord {
  if (typeof value !== 'object' || value === null) return false;
  const record: Partial<Record<keyof LabRecord, unknown>> = value;
  return (
    typeof record.name === 'string' &&
    (record.keeper === undefined || isKeeper(record.keeper)) &&
    Array.isArray(record.hosts) &&
    record.hosts.every(isHost) &&
    (record.loan === undefined || isLoan(record.loan)) &&
    Array.isArray(record.notes) &&
    record.notes.every((note) => typeof note === 'string')
  );
}

function isKeeper(value: unknown): value is Keeper {
  if (typeof value !== 'object' || value === null) return false;
  const keeper: Partial<Record<keyof Keeper, unknown>> = value;
  return Number.isSafeInteger(keeper.network) && isIdentity(keeper.process);
}

function isLoan(value: unknown): value is PageLoan {
  if (typeof value !== 'object' || value === null) return false;
  const loan: Partial<Record<keyof PageLoan, unknown>> = value;
  return (
    Number.isSafeInteger(loan.pages) &&
    Number.isSafeInteger(loan.pool) &&
    typeof loan.bootId === 'string' &&
    (loan.state === 'borrowing' || loan.state === 'lent' || loan.state === 'returning')
  );
}

function isHost(value: unknown): value is LabHostRecord {
  if (typeof value !== 'object' || value === null) return false;
  const host: Partial<Record<keyof LabHostRecord, unknown>> = value;
  return (
    Number.isSafeInteger(host.index) &&
    (host.kind === 'namespace' || host.kind === 'kvm') &&
    typeof host.machine === 'string' &&
    (host.digest === undefined || typeof host.digest === 'string') &&
    (host.disk === undefined || Number.isSafeInteger(host.disk)) &&
    typeof host.ssh === 'boolean' &&
    typeof host.tls === 'boolean'
  );
}
