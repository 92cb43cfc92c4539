import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { berthError } from '../../base/errors.ts';
import { findFreezer, thawCgroups } from '../private-host/cgroup-freezer.ts';
import type { FaultTarget, FaultWork } from './fault-target.ts';
import { hostProcesses, type HostProcess } from './host-processes.ts';
import { pause } from './pause.ts';

/** A process in the middle of a long system call stops at its end. */
const FREEZE_DEADLINE_MS = 10_000;
const LOOK_AGAIN_MS = 5;

/** Stops every process of the host; of an emulated one, the emulator. */
export async function freezeHost(target: FaultTarget, { signal }: FaultWork): Promise<void> {
  if (target.kind === 'kvm') {
    for (const { identity } of await emulators(target)) process.kill(identity.pid, 'SIGSTOP');
    return;
  }
  const freezer = await findFreezer(target.cgroups);
  if (freezer === undefined) throw noFreezer(target);
  const what = `the halt of ${target.name}`;
  await freezer.set(true);
  const end = performance.now() + FREEZE_DEADLINE_MS;
  while (!(await freezer.isSet())) {
    if (performance.now() > end) {
      await freezer.set(false);
      throw berthError('BERTH_DEADLINE', { what, afterMs: FREEZE_DEADLINE_MS });
    }
    await pause(LOOK_AGAIN_MS, what, signal);
  }
}

/** Lets a frozen host go on. */
export async function thawHost(target: FaultTarget): Promise<void> {
  if (target.kind === 'kvm') {
    for (const { identity } of await emulators(target)) process.kill(identity.pid, 'SIGCONT');
    return;
  }
  await thawCgroups(target.cgroups);
}

/** True while the host is frozen. */
export async function isFrozen(target: FaultTarget): Promise<boolean> {
  if (target.kind === 'namespace') return (await findFreezer(target.cgroups))?.isSet() ?? false;
  const states = await Promise.all((await emulators(target)).map(isStopped));
  return states.includes(true);
}

function noFreezer({ name, cgroups }: FaultTarget): Error {
  const places = cgroups.map((path) => basename(join(path, '..'))).join(', ');
  return berthError('BERTH_CONFLICT', {
    what: `freezing ${name}`,
    why: `it has no cgroup with a freezer, only: ${places === '' ? 'none at all' : places}`,
    remedy: 'on this machine a host can be crashed or its network cut instead',
  });
}

async function emulators(target: FaultTarget): Promise<readonly HostProcess[]> {
  return (await hostProcesses(target)).filter(({ name }) => name.startsWith('qemu-system'));
}

/** By its state: T is stopped (proc_pid_stat(5)). */
async function isStopped({ identity }: HostProcess): Promise<boolean> {
  const status = await readFile(`/proc/${identity.pid}/status`, 'utf8').catch(() => '');
  return /^State:\s+T/m.test(status);
}
