import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { berthError, isBerthError } from '../../base/errors.ts';
import { untilLibvirtAnswers } from '../private-host/libvirt-ready.ts';
import { killProcess, isRunning } from '../system/process-identity.ts';
import { readIfThere } from '../system/read-if-there.ts';
import type { FaultTarget, FaultWork } from './fault-target.ts';
import { hostProcesses, type HostProcess } from './host-processes.ts';

/** An orderly end waits for what libvirtd is at; a process that does not end is killed then. */
const END_DEADLINE_MS = 10_000;
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
  const end = performance.now() + END_DEADLINE_MS;
  for (;;) {
    const daemon = await findDaemon(target);
    if (daemon === undefined) return;
    await endDaemon(target, daemon, end, signal);
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
    if (!deadline.aborted) throw error;
    const what = `libvirtd of ${target.name}`;
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

async function endDaemon(
  target: FaultTarget,
  daemon: HostProcess,
  end: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  await target.run(['kill', `${daemon.inside}`], waiting(signal));
  while (await isRunning(daemon.identity)) {
    if (performance.now() > end) await killProcess(daemon.identity, KILL_DEADLINE_MS);
    await delay(LOOK_AGAIN_MS, undefined, signal === undefined ? {} : { signal });
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
