import { KIB, MIB } from '../../base/units.ts';
import { boundRatioFor, layoutOf, wantsHuge } from '../frame.ts';
import { ORDINARY_PAGE_KIB } from '../../model/placement.ts';
import type { Layout } from '../frame.ts';
import { cutEvenly, slotsOf } from '../guest-parts.ts';
import type { Ledger } from '../ledger.ts';
import { overheadBytes } from '../overhead.ts';
import type { PlacementRequest } from '../request.ts';
import type { SlotNeed } from '../room/slot-room.ts';

/** What a plain guest needs of hosts of one shape and policy, worked out once for all of them. */
export interface GuestPlan {
  readonly layout: Layout;
  /** For each number of guest cells to be tried, the fewest first: what each needs. */
  readonly cuts: readonly (readonly SlotNeed[])[];
  /** The whole guest, where it is in no certain cell. */
  readonly whole: SlotNeed;
  /** Bytes that count against the host's ratio. */
  readonly ram: number;
}

/**
 * Plans a plain guest for hosts like that one.
 * @returns undefined when no such host can ever take it.
 */
export function guestPlan(ledger: Ledger, request: PlacementRequest): GuestPlan | undefined {
  const { shape, host } = ledger;
  const huge = wantsHuge(ledger, request);
  const layout = layoutOf(ledger, request);
  const own = host.policy.overhead === 'none' ? 0 : overheadBytes({ ...request, huge });
  const perCore =
    request.policy === 'dedicated' && request.threads === 'require' ? shape.threads : 1;
  if (request.threads === 'require' && request.policy === 'dedicated') {
    if (shape.threads === 1 || request.vcpus % shape.threads !== 0) return undefined;
  }
  const pageKiB = huge ? (request.pageKiB ?? ORDINARY_PAGE_KIB) : ORDINARY_PAGE_KIB;
  const need = (vcpus: number, bytes: number, overhead: number): SlotNeed => ({
    policy: request.policy === 'shared' ? 'shared' : 'dedicated',
    threads: request.threads,
    vcpus,
    bytes,
    overheadBytes: overhead,
    pageKiB,
    overbound: boundRatioFor(ledger, request) !== 1,
  });
  const grain = { vcpusPerCore: perCore, unitBytes: huge ? pageKiB * KIB : MIB };
  const cuts = counts(ledger, request, layout).flatMap((count) => {
    const parts = cutEvenly(request, count, grain);
    if (parts === undefined) return [];
    const isDedicated = (): boolean => request.policy === 'dedicated';
    const slots = slotsOf(parts, [], { emulator: 0, overheadBytes: own, isDedicated });
    return [slots.map((slot) => need(slot.vcpus, slot.bytes, slot.overheadBytes))];
  });
  const counted = !huge || host.policy.ramCounts === 'all' ? request.memoryBytes : 0;
  return {
    layout,
    cuts,
    whole: need(request.vcpus, request.memoryBytes, own),
    ram: counted + own,
  };
}

function counts(ledger: Ledger, { cells }: PlacementRequest, layout: Layout): readonly number[] {
  if (layout !== 'bound') return [];
  if (typeof cells === 'number') return [cells];
  const most = ledger.cells.filter((cell) => cell.hasCpus).length;
  return Array.from({ length: most }, (_, index) => index + 1);
}
