import { ledgerOf, sharedPool } from '../engine/ledger.ts';
import type { DomainRecord } from '../host/domain-record.ts';
import { repin, samePins } from '../host/pinning.ts';
import type { HostSnapshot } from '../model/host.ts';
import type { Placement } from '../model/placement.ts';
import { cpuNumbers } from '../model/topology.ts';
import { parseVmDocument } from '../api/vm-spec.ts';
import type { Fleet } from './fleet.ts';

/**
 * Lets the floating vCPUs of Berth's VMs on a host run on just the shared pool as it is now: off
 * pCPUs that have become dedicated, and onto those that have become free. Safe to repeat; foreign
 * domains are left alone.
 */
export async function settleFloating(
  fleet: Fleet,
  host: string,
  signal?: AbortSignal,
): Promise<void> {
  const mirror = fleet.host(host);
  const claims = await fleet.claimedSeats();
  const snapshot = await mirror.snapshot(claims(host));
  for (const record of mirror.records) {
    const settled = settledPlacement(snapshot, record);
    if (settled === undefined) continue;
    const pcpus = cpuNumbers(snapshot.topology);
    await repin(mirror.link, record, settled, pcpus, mirror.wait(signal));
    await mirror.refresh(record.uuid);
  }
}

/** The placement a floating VM should have now; undefined when it needs no change. Pure. */
export function settledPlacement(
  snapshot: HostSnapshot,
  { metadata }: DomainRecord,
): Placement | undefined {
  if (metadata === undefined || metadata.placement.policy === 'dedicated') return undefined;
  const { placement } = metadata;
  const ledger = ledgerOf(snapshot);
  const only = parseVmDocument(metadata.document).cpu.cpuset;
  const poolOf = (cells: readonly number[]): readonly number[] => {
    const pool = sharedPool(ledger, cells);
    return only === undefined ? pool : pool.filter((cpu) => only.includes(cpu));
  };
  const cellsOf = (vcpu: number): readonly number[] => {
    const cell = placement.guestCells.find((each) => each.vcpus.includes(vcpu));
    return cell === undefined ? placement.cells : [cell.hostCell];
  };
  const settled: Placement = {
    ...placement,
    vcpus: placement.vcpus.map(({ vcpu }) => ({ vcpu, pcpus: poolOf(cellsOf(vcpu)) })),
    emulator: poolOf(placement.cells),
  };
  const possible = settled.vcpus.every((seat) => seat.pcpus.length > 0);
  return possible && !samePins(settled, placement) ? settled : undefined;
}
