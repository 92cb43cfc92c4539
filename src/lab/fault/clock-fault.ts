import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { hasErrno } from '../system/errno.ts';
import type { FaultTarget, FaultWork } from './fault-target.ts';

const COMMAND_DEADLINE_MS = 30_000;
const NS = 1_000_000_000n;
/** An emulated host's clock also goes wrong by itself when the machine is busy. */
const KVM_TOLERANCE_S = 30;

/**
 * Sets the host's wall clock ahead of this machine's; 0 sets it right.
 * @param seconds below zero for behind.
 */
export async function setClock(
  target: FaultTarget,
  seconds: number,
  { signal }: FaultWork,
): Promise<void> {
  if (target.kind === 'kvm') {
    const time = (Date.now() / 1000 + seconds).toFixed(3);
    const waiting = { deadlineMs: COMMAND_DEADLINE_MS, ...(signal ? { signal } : {}) };
    await target.run(['date', '--set', `@${time}`], waiting);
    return;
  }
  const file = await openClock(target, 'r+');
  if (file === undefined && seconds === 0) return;
  if (file === undefined) throw noShim(target);
  try {
    await file.write(new BigInt64Array([BigInt(seconds) * NS]), 0, 8, 0);
  } finally {
    await file.close();
  }
}

/** True while the clock is off by about so much. */
export async function isClockOff(target: FaultTarget, seconds: number): Promise<boolean> {
  return (
    Math.abs((await clockOffset(target)) - seconds) <= (target.kind === 'kvm' ? KVM_TOLERANCE_S : 0)
  );
}

async function clockOffset(target: FaultTarget): Promise<number> {
  if (target.kind === 'kvm') {
    const { stdout } = await target.run(['date', '+%s.%N'], { deadlineMs: COMMAND_DEADLINE_MS });
    return Number(stdout) - Date.now() / 1000;
  }
  const file = await openClock(target, 'r');
  if (file === undefined) return 0;
  try {
    const offset = new BigInt64Array(1);
    await file.read(offset, 0, 8, 0);
    return Number((offset[0] ?? 0n) / NS);
  } finally {
    await file.close();
  }
}

/** The file that all programs of the host have mapped; see shim.c. It must never be made shorter. */
async function openClock({ dir }: FaultTarget, flags: 'r' | 'r+'): Promise<FileHandle | undefined> {
  try {
    return await open(join(dir, 'run', 'shim', 'clock'), flags);
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function noShim({ name }: FaultTarget): Error {
  return berthError('BERTH_CONFLICT', {
    what: `the clock of ${name}`,
    why: 'the host was started without the library that can step it',
    remedy: 'install a C compiler (Debian: tcc), then end the lab and bring it up again',
  });
}
