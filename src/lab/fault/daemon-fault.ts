import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { berthError, isBerthError } from '../../base/errors.ts';
import { untilLibvirtAnswers } from '../private-host/libvirt-ready.ts';
import { hasErrno } from '../system/errno.ts';
import { killProcess, isRunning } from '../system/process-identity.ts';
import { readIfThere } from '../system/read-if-there.ts';
import type { FaultTarget, FaultWork } from './fault-target.ts';
import { hostProcesses, type HostProcess } from './host-processes.ts';
import { pause } from './pause.ts';

/** An orderly end waits for what libvirtd is at; a process that does not end is killed then. */
const END_DEADLINE_MS = 10_000;
/** How long host-init.sh may take to see, once no libvirtd is left, that it is to start no other. */
const HOLD_DEADLINE_MS = 30_000;
const LOOK_AGAIN_MS = 20;
const KILL_DEADLINE_MS = 10_000;
/** A new libvirtd asks every guest how it is. */
const START_DEADLINE_MS = 60_000;
const COMMAND_DEADLINE_MS = 60_000;

/** The units of libvirtd where systemd runs it; a socket would start it again. */
const UNITS = [
  'libvirtd.socket',
  'libvirtd-ro.socket',
  'libvirtd-admin.socket',
  'libvirtd.service',
];

/** Kills libvirtd; what watches over it starts another one. */
export async function killDaemon(target: FaultTarget, { signal }: FaultWork): Promise<void> {
  if (target.kind === 'kvm') {
    const argv = ['systemctl', 'kill', '--signal=KILL', 'libvirtd.service'] as const;
    await target.run(argv, waiting(signal));
    return;
  }
  const daemon = await findDaemon(target);
  if (daemon === undefined) throw noDaemon(target);
  await killProcess(daemon.identity, KILL_DEADLINE_MS);
}

/** Ends libvirtd in good order, and keeps it from being started until `startDaemon`. */
export async function stopDaemon(target: FaultTarget, { signal }: FaultWork): Promise<void> {
  if (target.kind === 'kvm') {
    await target.run(['systemctl', 'stop', ...UNITS], waiting(signal));
    return;
  }
  await writeFile(holdFile(target), '');
  // One that was killed a moment ago may be started once more before the file is seen.
  const end = performance.now() + HOLD_DEADLINE_MS;
  const what = `the end of libvirtd on ${target.name}`;
  while (!(await isHeld(target))) {
    if (performance.now() > end) {
      throw berthError('BERTH_DEADLINE', { what, afterMs: HOLD_DEADLINE_MS });
    }
    const daemons = (await hostProcesses(target)).filter(({ name }) => name === 'libvirtd');
    for (const daemon of daemons) await endDaemon(daemon, what, signal);
    if (daemons.length === 0) await pause(LOOK_AGAIN_MS, what, signal);
  }
}

/** Lets libvirtd be started again, and waits until it answers. */
export async function startDaemon(target: FaultTarget, { signal }: FaultWork): Promise<void> {
  if (target.kind === 'kvm') await target.run(['systemctl', 'start', ...UNITS], waiting(signal));
  else await rm(holdFile(target), { force: true });
  const deadline = AbortSignal.timeout(START_DEADLINE_MS);
  const signals = signal === undefined ? [deadline] : [deadline, signal];
  try {
    await untilLibvirtAnswers(target.uri, AbortSignal.any(signals));
  } catch (error) {
    const what = `libvirtd of ${target.name}`;
    if (signal?.aborted === true) throw berthError('BERTH_INTERRUPTED', { what }, { cause: error });
    if (!deadline.aborted) throw error;
    throw berthError('BERTH_DEADLINE', { what, afterMs: START_DEADLINE_MS });
  }
}

/** True while libvirtd is kept from being started. */
export async function isDaemonStopped(target: FaultTarget): Promise<boolean> {
  if (target.kind === 'namespace') return (await readIfThere(holdFile(target))) !== undefined;
  try {
    await target.run(['systemctl', '--quiet', 'is-active', 'libvirtd.socket'], waiting(undefined));
    return false;
  } catch (error) {
    if (isBerthError(error, 'BERTH_COMMAND_FAILED')) return true;
    throw error;
  }
}

/** While it is there, host-init.sh starts no libvirtd. */
function holdFile({ dir }: FaultTarget): string {
  return join(dir, 'run', 'hold-libvirtd');
}

/** True while host-init.sh waits for the hold's end; no libvirtd runs then, nor is one started. */
async function isHeld({ dir }: FaultTarget): Promise<boolean> {
  return (await readIfThere(join(dir, 'run', 'held'))) !== undefined;
}

async function endDaemon(
  { identity }: HostProcess,
  what: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const end = performance.now() + END_DEADLINE_MS;
  askToEnd(identity.pid);
  while (await isRunning(identity)) {
    if (performance.now() > end) await killProcess(identity, KILL_DEADLINE_MS);
    await pause(LOOK_AGAIN_MS, what, signal);
  }
}

/** It may have ended since it was looked for. */
function askToEnd(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if (!hasErrno(error, 'ESRCH')) throw error;
  }
}

async function findDaemon(target: FaultTarget): Promise<HostProcess | undefined> {
  const pid = Number(await readIfThere(join(target.dir, 'run', 'libvirtd.pid')));
  const processes = await hostProcesses(target);
  return processes.find(({ inside, name }) => inside === pid && name === 'libvirtd');
}

function noDaemon({ name }: FaultTarget): Error {
  return berthError('BERTH_CONFLICT', {
    what: `libvirtd of ${name}`,
    why: 'it does not run at the moment',
    remedy: 'if it was stopped, mend libvirtd-stop first; else try again in a second',
  });
}

function waiting(signal: AbortSignal | undefined) {
  return { deadlineMs: COMMAND_DEADLINE_MS, ...(signal === undefined ? {} : { signal }) };
}
