import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isBerthError } from '../../base/errors.ts';
import { onLabNetwork } from '../private-host/network-place.ts';
import { isRunning, killProcess } from '../system/process-identity.ts';
import { runCommand } from '../system/run-command.ts';
import { readKvmHostRecord, removeKvmHostRecord, type KvmHostRecord } from './kvm-host-record.ts';

const STOP_DEADLINE_MS = 30_000;
const LINK_DEADLINE_MS = 10_000;

/** The record of a host that runs. */
export type RunningRecord = KvmHostRecord & Required<Pick<KvmHostRecord, 'process'>>;

/** The record of the host that runs in a folder; undefined when none does, or none got ready. */
export async function runningRecord(dir: string): Promise<RunningRecord | undefined> {
  const record = await readKvmHostRecord(dir);
  if (record?.process === undefined || !record.ready) return undefined;
  return (await isRunning(record.process)) ? { ...record, process: record.process } : undefined;
}

/** libvirt's socket, led here from the machine. */
export function socketIn(dir: string): string {
  return join(dir, 'run', 'libvirt-sock');
}

/** The machine's public key, by the addresses that lead to it. */
export function knownHostsIn(dir: string): string {
  return join(dir, 'run', 'known_hosts');
}

/** Ends what the record of a folder names, and forgets it. */
export async function clearFolder(dir: string): Promise<void> {
  const record = await readKvmHostRecord(dir);
  if (record === undefined) return;
  if (record.process !== undefined) await killProcess(record.process, STOP_DEADLINE_MS);
  if (record.place !== undefined) await removeLink(record.place);
  for (const folder of ['run', 'vm']) await rm(join(dir, folder), { recursive: true, force: true });
  await removeKvmHostRecord(dir);
}

/** The kernel removes it with the host's network, but later; a new host may want its name now. */
async function removeLink({ keeper, link }: NonNullable<KvmHostRecord['place']>): Promise<void> {
  if (!(await isRunning(keeper))) return;
  const remove = [...onLabNetwork(keeper.pid), 'ip', 'link', 'delete', link] as const;
  try {
    await runCommand(remove, { deadlineMs: LINK_DEADLINE_MS });
  } catch (error) {
    if (!isBerthError(error, 'BERTH_COMMAND_FAILED')) throw error; // it is gone already
  }
}
