import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { berthError } from '../../base/errors.ts';
import { hasErrno } from './errno.ts';

/** Longest wait between two looks at a process that is ending; nothing tells of a stranger's end. */
const LOOK_AGAIN_MS_MAX = 20;

/**
 * One process, told apart from any later one that gets the same number: its start time in clock
 * ticks since boot (field 22 of /proc/PID/stat) and the boot it belongs to.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: string;
  readonly bootId: string;
}

/** The identity of a running process; undefined when there is none of that number. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = parseProcessStat(await readOrEmpty(`/proc/${pid}/stat`));
  if (stat === undefined || stat.ended) return undefined;
  const bootId = await readOrEmpty('/proc/sys/kernel/random/boot_id');
  return { pid, startTicks: stat.startTicks, bootId: bootId.trim() };
}

/** Whether a value read from a file is an identity, by its form. */
export function isIdentity(value: unknown): value is ProcessIdentity {
  if (typeof value !== 'object' || value === null) return false;
  const identity: Partial<Record<keyof ProcessIdentity, unknown>> = value;
  return (
    Number.isSafeInteger(identity.pid) &&
    typeof identity.startTicks === 'string' &&
    typeof identity.bootId === 'string'
  );
}

/** Whether two identities are those of one process. */
export function isSameProcess(one: ProcessIdentity, other: ProcessIdentity): boolean {
  return (
    one.pid === other.pid && one.startTicks === other.startTicks && one.bootId === other.bootId
  );
}

/** True while that very process runs; a zombie has ended. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  const now = await identifyProcess(identity.pid);
  return now !== undefined && isSameProcess(now, identity);
}

/**
 * Ends a process with SIGKILL, unless its number belongs to another one by now, and waits until it
 * is gone. Between the look and the signal a few microseconds remain in which the number could be
 * given away; Node offers no pidfd to close that gap.
 * @throws BERTH_DEADLINE when it is still there after `deadlineMs`.
 */
export async function killProcess(identity: ProcessIdentity, deadlineMs: number): Promise<void> {
  if (!(await isRunning(identity))) return;
  signalOrGone(identity.pid);
  const end = performance.now() + deadlineMs;
  for (
    let waitMs = 1;
    await isRunning(identity);
    waitMs = Math.min(waitMs * 2, LOOK_AGAIN_MS_MAX)
  ) {
    if (performance.now() > end) {
      throw berthError('BERTH_DEADLINE', {
        what: `the end of process ${identity.pid}`,
        afterMs: deadlineMs,
      });
    }
    await delay(waitMs);
  }
}

/**
 * Reads /proc/PID/stat. The command name may hold spaces and brackets, so fields are counted from
 * its closing one.
 */
export function parseProcessStat(
  text: string,
): { readonly startTicks: string; readonly ended: boolean } | undefined {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const startTicks = fields[19]; // field 22, of which state is number 3
  if (state === undefined || startTicks === undefined) return undefined;
  return { startTicks, ended: state === 'Z' || state === 'X' };
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ESRCH')) return '';
    throw error;
  }
}

function signalOrGone(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!hasErrno(error, 'ESRCH')) throw error;
  }
}
