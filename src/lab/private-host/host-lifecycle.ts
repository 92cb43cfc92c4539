import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { berthError, isBerthError } from '../../base/errors.ts';
import { Undo } from '../../base/undo.ts';
import { hasErrno, isDiskFull } from '../system/errno.ts';
import { lockFolder } from '../system/folder-lock.ts';
import type { InitProcess } from './init-process.ts';
import {
  readHostRecord,
  removeHostRecord,
  writeHostRecord,
  type HostRecord,
} from './host-record.ts';
import { checkSocketPath, untilLibvirtAnswers } from './libvirt-ready.ts';
import type { PrivateHost, PrivateHostOptions } from './private-host.ts';
import { identifyProcess, isRunning } from '../system/process-identity.ts';

/** How long a start may take in all; it takes 0.3 s on an idle machine. */
const START_DEADLINE_MS = 60_000;

/** What differs between the kinds of private host; all else is the same for both, and is here. */
export interface HostMode {
  /** The host as others see it, once it runs. */
  describe(dir: string, record: HostRecord, pid: number): PrivateHost;
  /** Makes folders, configuration and cgroups; the record is on disk already. */
  prepare(dir: string, record: HostRecord): Promise<void>;
  /** Starts the first process, which waits for its first word. */
  spawn(dir: string, record: HostRecord): InitProcess;
  /** Moves the first process where it belongs, before it hears its first word. */
  enter(record: HostRecord, pid: number): Promise<void>;
  /** Moves it and the process that stays on, once that runs. */
  settle(record: HostRecord, pids: readonly number[]): Promise<void>;
  /** Gives the host its place on a network, once its namespaces are made. */
  connect(pid: number, signal: AbortSignal): Promise<void>;
  /** Ends every process of the host and removes what `prepare` made but state that is to be kept. */
  clear(dir: string, record: HostRecord): Promise<void>;
}

/**
 * Starts the host that a record describes, or adopts the one that runs in the folder already.
 * @throws BERTH_CONFLICT when that one has other settings; BERTH_BUSY while another process is at it.
 */
export async function startHost(
  mode: HostMode,
  record: HostRecord,
  options: PrivateHostOptions,
): Promise<PrivateHost> {
  const dir = resolve(options.dir);
  checkName(record.name);
  checkSocketPath(dir, mode.describe(dir, record, 0).socket);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  using _lock = lockFolder(dir);
  const running = await runningRecord(dir);
  if (running !== undefined)
    return mode.describe(dir, sameSettings(dir, running, record), running.process.pid);
  await clearFolder(mode, dir);
  try {
    return await startNew(mode, dir, record, options);
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw berthError('BERTH_DISK_FULL', { what: 'the hypervisor', path: dir }, { cause: error });
  }
}

/**
 * The running host of a folder; without one, clears what a killed start left, and gives undefined.
 * It is looked for once more under the lock: a start may have ended well between the two looks.
 */
export async function findHost(mode: HostMode, folder: string): Promise<PrivateHost | undefined> {
  const dir = resolve(folder);
  const describe = ({ process, ...record }: RunningRecord): PrivateHost =>
    mode.describe(dir, record, process.pid);
  const running = await runningRecord(dir);
  if (running !== undefined) return describe(running);
  if ((await readHostRecord(dir)) === undefined) return undefined;
  try {
    using _lock = lockFolder(dir);
    const now = await runningRecord(dir);
    if (now !== undefined) return describe(now);
    await clearFolder(mode, dir);
  } catch (error) {
    if (!isBerthError(error, 'BERTH_BUSY')) throw error;
  }
  return undefined;
}

/** The running host of a folder, by a look that changes nothing. */
export async function lookAtHost(mode: HostMode, folder: string): Promise<PrivateHost | undefined> {
  const dir = resolve(folder);
  const running = await runningRecord(dir);
  return running && mode.describe(dir, running, running.process.pid);
}

/** Ends the host of a folder, or clears what a killed start left. */
export async function stopHost(mode: HostMode, folder: string): Promise<void> {
  const dir = resolve(folder);
  if ((await readHostRecord(dir)) === undefined) return;
  using _lock = lockFolder(dir);
  await clearFolder(mode, dir);
}

function checkName(name: string): void {
  if (/^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/.test(name)) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: 'name of the host',
    problem: `"${name}" cannot be a hostname`,
    expected: 'at most 63 letters, digits, "-" and "."',
  });
}

type RunningRecord = HostRecord & Required<Pick<HostRecord, 'process'>>;

async function runningRecord(dir: string): Promise<RunningRecord | undefined> {
  const record = await readHostRecord(dir);
  if (record?.process === undefined || !record.ready) return undefined;
  return (await isRunning(record.process)) ? { ...record, process: record.process } : undefined;
}

function sameSettings(dir: string, running: HostRecord, wanted: HostRecord): HostRecord {
  const settings = ({ kind, name, hideKvm, sysTree }: HostRecord): string =>
    JSON.stringify([kind, name, hideKvm, sysTree]);
  if (settings(running) === settings(wanted)) return running;
  throw berthError('BERTH_CONFLICT', {
    what: dir,
    why: `the host "${running.name}" runs there with other settings`,
    remedy: 'stop it first',
  });
}

async function clearFolder(mode: HostMode, dir: string): Promise<void> {
  const record = await readHostRecord(dir);
  if (record === undefined) return;
  await mode.clear(dir, record);
  await rm(join(dir, 'run'), { recursive: true, force: true });
  await removeHostRecord(dir);
}

async function startNew(
  mode: HostMode,
  dir: string,
  record: HostRecord,
  options: PrivateHostOptions,
): Promise<PrivateHost> {
  const deadline = AbortSignal.timeout(START_DEADLINE_MS);
  const signal = AbortSignal.any([deadline, ...(options.signal ? [options.signal] : [])]);
  const progress = options.progress ?? ((): void => undefined);
  await using undo = new Undo();
  undo.add('clear the folder', async () => clearFolder(mode, dir));
  try {
    progress('folders');
    await rm(join(dir, 'run'), { recursive: true, force: true });
    await keepLastLog(dir);
    await writeHostRecord(dir, record);
    await mode.prepare(dir, record);
    signal.throwIfAborted();
    progress('namespaces');
    const child = mode.spawn(dir, record);
    undo.add('end the new host', async () => child.kill());
    const endsWithCaller = options.endsWithCaller ?? false;
    const host = await bringUp(mode, { dir, record, child, signal, progress, endsWithCaller });
    undo.commit();
    if (endsWithCaller) child.hold();
    else child.release();
    return host;
  } catch (error) {
    const what = `the start of ${record.name}`;
    if (options.signal?.aborted === true) throw berthError('BERTH_INTERRUPTED', { what });
    if (!deadline.aborted) throw error;
    throw berthError('BERTH_DEADLINE', { what, afterMs: START_DEADLINE_MS });
  }
}

/** Each start has its own log, so that what is said of a failure is never of an earlier one. */
async function keepLastLog(dir: string): Promise<void> {
  const log = join(dir, 'libvirtd.log');
  try {
    await rename(log, `${log}.last`);
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

interface Start {
  readonly dir: string;
  readonly record: HostRecord;
  readonly child: InitProcess;
  readonly signal: AbortSignal;
  readonly progress: (step: string) => void;
  readonly endsWithCaller: boolean;
}

/** Leads the new process through the stages of host-init.sh. */
async function bringUp(mode: HostMode, start: Start): Promise<PrivateHost> {
  const { dir, record, child, signal, progress } = start;
  const aborted = rejectOnAbort(signal);
  aborted.catch(() => undefined); // not always awaited any more when it fires
  const begun = await Promise.race([child.begun, aborted]);
  await mode.enter(record, begun);
  child.say('enter');
  const pid = await Promise.race([child.mainPid, aborted]);
  const process = await identifyProcess(pid);
  if (process === undefined) return child.failed; // it has ended, and is about to say how
  await writeHostRecord(dir, { ...record, process });
  await mode.settle(record, [begun, pid]);
  await Promise.race([child.made, aborted]);
  await mode.connect(pid, signal);
  progress('libvirtd');
  child.say('start');
  const host = mode.describe(dir, record, pid);
  await untilItAnswers(host.uri, start, aborted);
  child.say(start.endsWithCaller ? 'bind' : 'keep');
  await writeHostRecord(dir, { ...record, process, ready: true });
  return host;
}

/** A daemon that ends before it answers is not asked any further. */
async function untilItAnswers(
  uri: string,
  { child, signal }: Start,
  aborted: Promise<never>,
): Promise<void> {
  const asking = new AbortController();
  const answer = untilLibvirtAnswers(uri, AbortSignal.any([signal, asking.signal]));
  try {
    await Promise.race([answer, child.failed, aborted]);
  } finally {
    asking.abort();
    await answer.catch(() => undefined);
  }
}

async function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  if (signal.aborted) reject(signal.reason as Error);
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  return promise;
}
