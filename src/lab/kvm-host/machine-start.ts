import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError, isBerthError } from '../../base/errors.ts';
import { Undo } from '../../base/undo.ts';
import { makeSshKey } from '../system/ssh-key.ts';
import type { InitProcess } from '../private-host/init-process.ts';
import { libvirtSocketUri, untilLibvirtAnswers } from '../private-host/libvirt-ready.ts';
import { connectToLab } from '../private-host/network-place.ts';
import { identifyProcess } from '../system/process-identity.ts';
import { AgentChannel } from './agent-channel.ts';
import type { KvmHostOptions } from './kvm-host.ts';
import { clearFolder, socketIn, type RunningRecord } from './kvm-host-folder.ts';
import { writeKvmHostRecord, type KvmHostRecord } from './kvm-host-record.ts';
import { MACHINE_FILES, SRIOV_DEVICE } from './kvm-machine.ts';
import { identifyMachine, type MachineKeys } from './machine-identity.ts';
import {
  connectMonitor,
  machineFolder,
  makeMachineFolder,
  spawnMachine,
  type MachineOptions,
} from './machine-process.ts';
import type { Qmp } from './qmp.ts';
import { BOOT_DEADLINE_MS, restoreState } from './saved-machine.ts';

/** How long the start of a machine may take once all is built; a restored one takes seconds. */
const START_DEADLINE_MS = 600_000;
const COMMAND_DEADLINE_MS = 60_000;
/** A restored machine's agent runs already. */
const RESTORED_AGENT_DEADLINE_MS = 60_000;

/** What a machine is started from. */
export type MachineParts = Pick<MachineOptions, 'image' | 'saved'>;

/**
 * Starts a host's machine up to libvirt's answer: restores it where there is a saved one, and boots
 * one that cannot be restored.
 * @returns the host's record, which is on disk. A failure or an abort clears the folder.
 */
export async function startMachine(
  dir: string,
  { image, saved }: MachineParts,
  options: KvmHostOptions,
): Promise<RunningRecord> {
  const deadline = AbortSignal.timeout(START_DEADLINE_MS);
  const signal = AbortSignal.any([deadline, ...(options.signal ? [options.signal] : [])]);
  try {
    try {
      const machine = { dir, image, ...(saved === undefined ? {} : { saved }) };
      return await tryMachine(machine, options, signal);
    } catch (error) {
      const isRestore = isBerthError(error, 'BERTH_HYPERVISOR_FAILED') && saved !== undefined;
      if (!isRestore || signal.aborted) throw error;
      return await tryMachine({ dir, image }, options, signal);
    }
  } catch (error) {
    if (!deadline.aborted) throw error;
    const what = `the start of ${options.name}`;
    throw berthError('BERTH_DEADLINE', { what, afterMs: START_DEADLINE_MS });
  }
}

async function tryMachine(
  machine: MachineParts & { readonly dir: string },
  options: KvmHostOptions,
  signal: AbortSignal,
): Promise<RunningRecord> {
  const { dir, saved } = machine;
  const { place } = options;
  await using undo = new Undo();
  undo.add('clear the folder', async () => clearFolder(dir));
  const record = await newRecord(dir, options);
  await writeKvmHostRecord(dir, record);
  const keys = options.keys ?? (await ownKeys(dir, options.name, signal));
  await mkdir(join(dir, 'run'), { recursive: true, mode: 0o700 });
  await makeMachineFolder(machine, signal);
  signal.throwIfAborted();
  options.progress?.(saved === undefined ? 'booting' : 'restoring');
  const child = spawnMachine({ ...machine, ...(place ? { place } : {}), identity: keys.identity });
  undo.add('end the machine', async () => child.kill());
  child.say('enter');
  const first = await identifyProcess(await child.mainPid);
  if (first === undefined) return await child.failed;
  await writeKvmHostRecord(dir, { ...record, process: first });
  await child.made;
  if (place !== undefined) await connectToLab(place, first.pid, signal);
  child.say('start');
  await Promise.race([bringUp(child, machine, keys, options, signal), child.failed]);
  const ready = { ...record, process: first, ready: true };
  await writeKvmHostRecord(dir, ready);
  signal.throwIfAborted();
  undo.commit();
  child.say(options.endsWithCaller === true ? 'bind' : 'keep');
  if (options.endsWithCaller === true) child.hold();
  else child.release();
  return ready;
}

async function newRecord(dir: string, options: KvmHostOptions): Promise<KvmHostRecord> {
  const { name, release, place, keys } = options;
  const keeper = place === undefined ? undefined : await identifyProcess(place.keeper);
  return {
    name,
    release,
    identity: keys?.identity ?? ownKeyPaths(dir).identity,
    ...(place === undefined || keeper === undefined
      ? {}
      : { place: { keeper, link: place.link, address: place.address } }),
    ready: false,
  };
}

function ownKeyPaths(dir: string): MachineKeys {
  return { identity: join(dir, 'ssh_id'), hostKey: join(dir, 'ssh_host_key') };
}

async function ownKeys(dir: string, name: string, signal: AbortSignal): Promise<MachineKeys> {
  const keys = ownKeyPaths(dir);
  await makeSshKey(keys.identity, `owner of ${name}`, signal);
  await makeSshKey(keys.hostKey, name, signal);
  return keys;
}

/** Leads the machine from its first instruction, or from where it was saved, to libvirt's answer. */
async function bringUp(
  child: InitProcess,
  { dir, saved }: Pick<MachineOptions, 'dir' | 'saved'>,
  keys: MachineKeys,
  options: KvmHostOptions,
  signal: AbortSignal,
): Promise<void> {
  const monitor = await connectMonitor(child, dir, signal);
  if (saved !== undefined) {
    await restoreState(monitor, signal);
    await monitor.execute('cont', {}, { deadlineMs: COMMAND_DEADLINE_MS, signal });
  }
  const agent = await AgentChannel.connect(machineFolder(dir), MACHINE_FILES.agent, {
    deadlineMs: saved === undefined ? BOOT_DEADLINE_MS : RESTORED_AGENT_DEADLINE_MS,
    signal,
  });
  options.progress?.('identity');
  await plugSriov(monitor, signal);
  await identifyMachine(agent, keys, { ...options, dir }, signal);
  agent.close();
  monitor.close();
  options.progress?.('libvirtd');
  await untilAnswers(libvirtSocketUri('system', socketIn(dir)), signal);
}

/** Under emulation, on a busy machine, a single answer may take longer than others are waited for. */
async function untilAnswers(uri: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await untilLibvirtAnswers(uri, signal);
      return;
    } catch (error) {
      if (!isBerthError(error, 'BERTH_DEADLINE') || signal.aborted) throw error;
    }
  }
}

async function plugSriov(monitor: Qmp, signal: AbortSignal): Promise<void> {
  const wait = { deadlineMs: COMMAND_DEADLINE_MS, signal };
  await monitor.execute('device_add', SRIOV_DEVICE, wait);
}
