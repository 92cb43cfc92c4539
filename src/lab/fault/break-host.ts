import { mkdir } from 'node:fs/promises';
import { berthError } from '../../base/errors.ts';
import { thawCgroups } from '../private-host/cgroup-freezer.ts';
import { lockFolder } from '../system/folder-lock.ts';
import { killProcess, type ProcessIdentity } from '../system/process-identity.ts';
import { isClockOff, setClock } from './clock-fault.ts';
import { isDaemonStopped, killDaemon, startDaemon, stopDaemon } from './daemon-fault.ts';
import { fillDisk, freeDisk, isDiskFilled } from './disk-fault.ts';
import { faultDescription, faultText, type Fault, type FaultKind } from './fault.ts';
import {
  faultFolder,
  readFaultRecord,
  writeFaultRecord,
  type FaultRecord,
} from './fault-record.ts';
import type { FaultTarget, FaultWork } from './fault-target.ts';
import { freezeHost, isFrozen, thawHost } from './freeze-fault.ts';
import { killGuest } from './guest-fault.ts';
import { isNetworkCut, isWireLaid, layWire, plugNetwork, removeWire } from './network-fault.ts';

const CRASH_DEADLINE_MS = 30_000;
/** Which frames a bad cable loses; the same on every host, so that a failure can be repeated. */
const WIRE_SEED = 20_271;

/**
 * Breaks a host. A fault of the same kind that is in force is replaced. When this fails, what it had
 * begun is taken back, and such a former fault is worked again as far as that can be done.
 * @throws BERTH_CONFLICT when the host cannot be broken so, BERTH_NOT_FOUND for a VM that does not
 *   run, BERTH_BUSY while the host is being broken or mended, and what its commands throw.
 */
export async function breakHost(target: FaultTarget, fault: Fault, work: FaultWork): Promise<void> {
  refuseImpossible(target, fault);
  using _lock = await lockFaults(target);
  await refuseFrozen(target, fault);
  if (!faultDescription(fault.kind).lasts) {
    await strike(target, fault, work);
    return;
  }
  const before = await readFaultRecord(target);
  const others = before.faults.filter(({ kind }) => kind !== fault.kind);
  await writeFaultRecord(target, { ...before, faults: [...others, fault] });
  try {
    await strike(target, fault, work);
  } catch (error) {
    await takeBack(target, fault.kind, before).catch(() => undefined); // what failed first is told
    throw error;
  }
}

/** Makes the host as it was before a fault that could not be worked whole. */
async function takeBack(
  target: FaultTarget,
  kind: FaultKind,
  { faults }: FaultRecord,
): Promise<void> {
  await mend(target, kind, {});
  const former = faults.find((fault) => fault.kind === kind);
  if (former === undefined) return;
  await writeFaultRecord(target, { ...(await readFaultRecord(target)), faults });
  await strike(target, former, {});
}

/**
 * Takes a fault back; without a kind, all that are in force.
 * @param word a kind of fault, or a fault as it is typed.
 * @returns what was mended, as it is typed.
 * @throws BERTH_NOT_FOUND when there is no such fault or it is not in force, BERTH_CONFLICT for one
 *   that is over by itself, BERTH_BUSY, BERTH_INTERRUPTED, and what its commands throw; what is not
 *   mended by then is still known to be broken, and can be mended later.
 */
export async function mendHost(
  target: FaultTarget,
  word: string | undefined,
  work: FaultWork = {},
): Promise<readonly string[]> {
  using _lock = await lockFaults(target);
  const { faults } = await readFaultRecord(target);
  const wanted = word === undefined ? faults : [faultToMend(word, faults)];
  // A frozen host can do nothing that others need for their mending.
  const order = wanted.toSorted(
    (a, b) => Number(b.kind === 'freeze') - Number(a.kind === 'freeze'),
  );
  for (const { kind } of order) await mend(target, kind, work);
  return wanted.map(faultText);
}

/** What is broken at present, as it is typed: what was done to the host and still holds. */
export async function faultsInForce(target: FaultTarget): Promise<readonly string[]> {
  const record = await readFaultRecord(target);
  // A host that is frozen may not answer, and what was wrong with it stays so.
  if (await isFrozen(target)) return record.faults.map(faultText);
  const hold = await Promise.all(record.faults.map(async (fault) => holds(target, fault, record)));
  return record.faults.filter((_, index) => hold[index] === true).map(faultText);
}

/** What can be known to fail is not begun. */
function refuseImpossible({ name, network, ownDisk }: FaultTarget, { kind }: Fault): void {
  if (kind.startsWith('network-') && network === undefined) {
    throw berthError('BERTH_CONFLICT', {
      what: `the network of ${name}`,
      why: 'the host is on none',
      remedy: 'break the network of a host that is in a lab',
    });
  }
  if (kind === 'disk-full' && !ownDisk) {
    throw berthError('BERTH_CONFLICT', {
      what: `filling the disk of ${name}`,
      why: 'it keeps its state on a file system of this machine',
      remedy: 'give the hosts of a lab disks of their own when it is brought up',
    });
  }
}

/** A frozen process ends only when it goes on, be it killed. */
async function refuseFrozen(target: FaultTarget, { kind }: Fault): Promise<void> {
  if (!kind.startsWith('libvirtd-') && kind !== 'qemu-kill') return;
  if (!(await isFrozen(target))) return;
  throw berthError('BERTH_CONFLICT', {
    what: `${kind} of ${target.name}`,
    why: 'the host is frozen, so that none of its processes can end',
    remedy: 'mend "freeze" first, or freeze it after that',
  });
}

async function lockFaults({ dir }: FaultTarget): Promise<Disposable> {
  await mkdir(faultFolder(dir), { recursive: true, mode: 0o700 });
  return lockFolder(faultFolder(dir));
}

function faultToMend(word: string, faults: readonly Fault[]): Fault {
  const [name = ''] = word.split(' ');
  const { name: kind, lasts } = faultDescription(name);
  if (!lasts) {
    const remedy = 'see what is broken with: berth lab ls';
    throw berthError('BERTH_CONFLICT', { what: kind, why: 'there is nothing to mend', remedy });
  }
  const found = faults.find((fault) => fault.kind === kind);
  if (found !== undefined) return found;
  const known = faults.map(faultText);
  throw berthError('BERTH_NOT_FOUND', { kind: 'fault in force', name: word, known });
}

/** Makes it so. For what lasts, the record tells of it already. */
async function strike(target: FaultTarget, fault: Fault, work: FaultWork): Promise<void> {
  switch (fault.kind) {
    case 'libvirtd-kill':
      return killDaemon(target, work);
    case 'libvirtd-stop':
      return stopDaemon(target, work);
    case 'qemu-kill':
      return killGuest(target, fault.domain, work);
    case 'network-cut':
      return plugNetwork(target, false, work);
    case 'network-delay':
    case 'network-drop':
      return adjustWire(target, undefined, work);
    case 'disk-full':
      return fillDisk(target, work);
    case 'freeze':
      return freezeHost(target, work);
    case 'clock':
      return setClock(target, fault.seconds, work);
    case 'crash':
      return crash(target);
  }
}

/** Takes it back, and then strikes it out. */
async function mend(target: FaultTarget, kind: FaultKind, work: FaultWork): Promise<void> {
  if (work.signal?.aborted === true) {
    throw berthError('BERTH_INTERRUPTED', { what: `mending ${kind} of ${target.name}` });
  }
  if (kind === 'libvirtd-stop') await startDaemon(target, work);
  if (kind === 'network-cut') await plugNetwork(target, true, work);
  if (kind === 'disk-full') await freeDisk(target, work);
  if (kind === 'freeze') await thawHost(target);
  if (kind === 'clock') await setClock(target, 0, work);
  if (kind === 'network-delay' || kind === 'network-drop') await adjustWire(target, kind, work);
  const record = await readFaultRecord(target);
  const faults = record.faults.filter((fault) => fault.kind !== kind);
  await writeFaultRecord(target, { ...record, faults });
}

async function holds(target: FaultTarget, fault: Fault, { wire }: FaultRecord): Promise<boolean> {
  switch (fault.kind) {
    case 'libvirtd-stop':
      return isDaemonStopped(target);
    case 'network-cut':
      return isNetworkCut(target);
    case 'network-delay':
    case 'network-drop':
      return isWireLaid(target, wire);
    case 'disk-full':
      return isDiskFilled(target);
    case 'freeze':
      return isFrozen(target);
    case 'clock':
      return isClockOff(target, fault.seconds);
    default:
      return false;
  }
}

/** One cable does both, delay and loss, so it is laid anew as the record has them, but for one. */
async function adjustWire(
  target: FaultTarget,
  without: FaultKind | undefined,
  work: FaultWork,
): Promise<void> {
  const { faults, wire } = await readFaultRecord(target);
  const wanted = faults.filter(({ kind }) => kind !== without);
  await removeWire(target, wire, work);
  const delayMs = wanted.find((fault) => fault.kind === 'network-delay')?.ms ?? 0;
  const dropPercent = wanted.find((fault) => fault.kind === 'network-drop')?.percent ?? 0;
  await writeFaultRecord(target, { faults });
  if (delayMs === 0 && dropPercent === 0) return;
  const remember = async (laid: ProcessIdentity): Promise<void> =>
    writeFaultRecord(target, { faults, wire: laid });
  await layWire(target, { delayMs, dropPercent, seed: WIRE_SEED }, remember, work);
}

/** What is frozen ends only when it goes on. */
async function crash({ process, cgroups }: FaultTarget): Promise<void> {
  await Promise.all([killProcess(process, CRASH_DEADLINE_MS), thawCgroups(cgroups)]);
}
