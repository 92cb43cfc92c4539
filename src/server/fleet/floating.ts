import { ledgerOf, sharedPool } from '../../engine/ledger.ts';
import type { Ledger } from '../../engine/ledger.ts';
import { isBerthError } from '../../base/errors.ts';
import { isActive } from '../../host/domain-record.ts';
import type { DomainRecord } from '../../host/domain-record.ts';
import { repin, samePins } from '../../host/pinning.ts';
import type { Repinned } from '../../host/pinning.ts';
import { dedicatedCpus } from '../../model/placement.ts';
import type { Placement, VcpuSeat } from '../../model/placement.ts';
import { cpuNumbers } from '../../model/topology.ts';
import { parseVmDocument } from '../../api/vm-spec.ts';
import type { Fleet } from './fleet.ts';
import type { HostMirror } from './host-mirror.ts';

/** How often a VM that is started or stopped in between is tried again. */
const ATTEMPTS_MAX = 5;

/**
 * Lets the floating vCPUs of Berth's VMs on a host run on just the shared pool as it is now: off
 * pCPUs that have become dedicated, and onto those that have become free. Safe to repeat; foreign
 * domains are left alone. One at a time on a host, or the older of two pools could win.
 */
export async function settleFloating(
  fleet: Fleet,
  host: string,
  signal?: AbortSignal,
): Promise<void> {
  const mirror = fleet.host(host);
  await mirror.inTurn('pins', async () => {
    const claims = await fleet.claimedSeats();
    const snapshot = await mirror.snapshot(claims(host));
    const ledger = ledgerOf(snapshot);
    const pcpus = cpuNumbers(snapshot.topology);
    for (const { uuid } of mirror.records) await settleOne(mirror, ledger, uuid, pcpus, signal);
  });
}

async function settleOne(
  mirror: HostMirror,
  ledger: Ledger,
  uuid: string,
  pcpus: number,
  signal?: AbortSignal,
): Promise<void> {
  const known = mirror.record(uuid);
  if (known === undefined || settledPlacements(ledger, known) === undefined) return;
  // What another server has written a moment ago must not be written over.
  let record = await mirror.refresh(uuid);
  for (let attempt = 0; attempt < ATTEMPTS_MAX && record !== undefined; attempt++) {
    const settled = settledPlacements(ledger, record);
    if (settled === undefined) return;
    const isPinned = await repin(mirror.link, record, settled, pcpus, mirror.wait(signal));
    const after = await mirror.refresh(uuid);
    // One that was started meanwhile runs on the pins it had: its definition alone has the new ones.
    const isBehind = after !== undefined && isActive(after.state) && !isActive(record.state);
    if (isPinned && !isBehind) return;
    record = isBehind && record.metadata !== undefined ? { ...record, state: after.state } : after;
  }
}

/** The placements of what runs and of what runs next; undefined when neither needs a change. */
function settledPlacements(ledger: Ledger, record: DomainRecord): Repinned | undefined {
  const { metadata } = record;
  if (metadata === undefined) return undefined;
  const { placement, next } = metadata;
  const now = settledPlacement(ledger, record);
  if (next === undefined) return now === undefined ? undefined : { placement: now };
  const later = settledPlacement(ledger, { metadata: { ...metadata, ...next } });
  if (now === undefined && later === undefined) return undefined;
  return { placement: now ?? placement, next: later ?? next.placement };
}

/** The placement a floating VM should have now; undefined when it needs no change. Pure. */
export function settledPlacement(
  ledger: Ledger,
  { metadata }: Pick<DomainRecord, 'metadata'>,
): Placement | undefined {
  if (metadata === undefined || metadata.placement.policy === 'dedicated') return undefined;
  const { placement } = metadata;
  const own = new Set(dedicatedCpus(placement));
  const floats = ({ pcpus }: VcpuSeat): boolean => !pcpus.every((cpu) => own.has(cpu));
  const only = cpusetOf(metadata.document);
  const poolOf = (cells: readonly number[]): readonly number[] => {
    const pool = sharedPool(ledger, cells);
    return only === undefined ? pool : pool.filter((cpu) => only.includes(cpu));
  };
  const cellsOf = (vcpu: number): readonly number[] => {
    const cell = placement.guestCells.find((each) => each.vcpus.includes(vcpu));
    return cell === undefined ? placement.cells : [cell.hostCell];
  };
  const vcpus = placement.vcpus.map((seat) =>
    floats(seat) ? { vcpu: seat.vcpu, pcpus: poolOf(cellsOf(seat.vcpu)) } : seat,
  );
  const settled: Placement = { ...placement, vcpus, ...settledThreads(placement, vcpus, floats) };
  const possible = [settled.emulator, ...settled.vcpus.map((seat) => seat.pcpus)].every(
    (pcpus) => pcpus.length > 0,
  );
  return possible && !samePins(settled, placement) ? settled : undefined;
}

/** Threads that run beside the floating vCPUs go with them; those with pCPUs of their own stay. */
function settledThreads(
  before: Placement,
  vcpus: readonly VcpuSeat[],
  floats: (seat: VcpuSeat) => boolean,
): Pick<Placement, 'emulator' | 'ioThreads'> {
  const over = (seats: readonly VcpuSeat[]): readonly number[] =>
    [...new Set(seats.filter(floats).flatMap(({ pcpus }) => pcpus))].toSorted((a, b) => a - b);
  const [old, now] = [over(before.vcpus).join(), over(vcpus)];
  const moved = (pcpus: readonly number[]): readonly number[] =>
    pcpus.join() === old ? now : pcpus;
  const { emulator, ioThreads } = before;
  return {
    emulator: moved(emulator),
    ...(ioThreads === undefined
      ? {}
      : { ioThreads: ioThreads.map(({ id, pcpus }) => ({ id, pcpus: moved(pcpus) })) }),
  };
}

/** A document that somebody has damaged limits nothing: leaving dedicated pCPUs comes first. */
function cpusetOf(document: unknown): readonly number[] | undefined {
  try {
    return parseVmDocument(document).cpu.cpuset;
  } catch (error) {
    if (isBerthError(error)) return undefined;
    throw error;
  }
}
