import { BitSet } from '../base/bit-set.ts';
import type { MemoryShare, VcpuSeat } from '../model/placement.ts';
import { floatingBesideLimits, floatOver, starving } from './cpu-limits.ts';
import type { CpuChoice } from './core-choice.ts';
import type { Frame } from './frame.ts';
import { memoryPlan } from './memory-plan.ts';
import { choosePci } from './pci-choice.ts';
import { isDedicatedVcpu } from './request.ts';
import type { Room } from './room/room.ts';
import { HOST } from './room/room-layout.ts';
import { scatter } from './scattered-threads.ts';
import type { Attempt, Seating } from './seating.ts';
import { failed } from './seating.ts';
import { starvedByTaking } from './shared-pool.ts';
import type { Trial } from './slot-fit.ts';
import { trialCpus } from './slot-fit.ts';
import { seatThreads } from './thread-place.ts';

/**
 * Seats slots in the cells they fit, then checks what only the whole can break.
 * @param scattered I/O threads that have a pCPU each wherever one is left, beside those of the slots.
 */
export function seatSlots(frame: Frame, trials: readonly Trial[], scattered = 0): Attempt {
  const chosen = trials.map((trial) => ({ trial, choice: trialCpus(frame, trial) }));
  const inSlots = new BitSet(chosen.flatMap(({ choice }) => takenBy(choice)));
  const more = scatter(frame, trials, { count: scattered, taken: inSlots });
  if (!more.ok) return failed(() => more.broken);
  const taken = inSlots.or(new BitSet(more.pcpus));
  const floats = floatParts(frame, trials, taken);
  const ample = frame.counted && isAmple(frame.room, taken, floats);
  const starved = ample ? undefined : starvedByTaking(frame.ledger, taken);
  if (starved !== undefined) return failed(() => [starving(frame, starved, taken.size)]);
  const place = { cells: trials.map(({ home }) => home), name: 'the host' };
  const broken = ample ? [] : floatingBesideLimits(frame, place, { parts: floats, taken });
  if (broken.length > 0) return failed(() => broken);
  const devices = choosePci(frame, place.cells);
  if (!devices.ok) return failed(() => [devices.broken]);
  const seating = seatingOf(frame, { chosen, floats, taken, more });
  return { ok: true, seating: { ...seating, pci: devices.seats, pciNear: devices.near } };
}

/** Whether the host as a whole has the pCPUs, beside what the cells have. */
function isAmple({ row }: Room, taken: BitSet, floats: readonly SlotFloat[]): boolean {
  const vcpus = floats.reduce((sum, part) => sum + part.vcpus, 0);
  const most = Math.min(row[HOST.floats] ?? 0, row[HOST.pool] ?? 0);
  return taken.size <= (row[HOST.free] ?? 0) && (vcpus === 0 || vcpus <= most);
}

interface Chosen {
  readonly trial: Trial;
  readonly choice: CpuChoice;
}

/** Floating vCPUs of one slot and what they float over. */
interface SlotFloat {
  readonly vcpus: number;
  readonly ids: readonly number[];
  readonly over: BitSet;
}

function floatParts(frame: Frame, trials: readonly Trial[], taken: BitSet): readonly SlotFloat[] {
  return trials.flatMap(({ slot, home }) => {
    const ids = slot.parts
      .flatMap((part) => part.vcpus)
      .filter((vcpu) => !isDedicatedVcpu(frame.request, vcpu));
    if (ids.length === 0) return [];
    return [{ vcpus: ids.length, ids, over: floatOver(frame, [home]).minus(taken) }];
  });
}

function seatingOf(
  frame: Frame,
  how: {
    readonly chosen: readonly Chosen[];
    readonly floats: readonly SlotFloat[];
    readonly taken: BitSet;
    readonly more: { readonly pcpus: readonly number[]; readonly broken: number };
  },
): Omit<Seating, 'pci' | 'pciNear'> {
  const { chosen, floats, taken, more } = how;
  const trials = chosen.map(({ trial }) => trial);
  const choices = chosen.map(({ choice }) => choice);
  const floating = floats.flatMap(({ ids, over }) =>
    ids.map((vcpu): VcpuSeat => ({ vcpu, pcpus: [...over] })),
  );
  const own = chosen.flatMap((one) => dedicatedSeats(frame, one));
  const beside = (floating.length > 0 ? floating : own).flatMap(({ pcpus }) => pcpus);
  const threads = [...choices.flatMap(({ emulator }) => emulator), ...more.pcpus];
  return {
    parts: trials.flatMap(({ slot, home }) => slot.parts.map((part) => ({ part, home }))),
    memory: mergeShares(trials.flatMap((trial) => memoryPlan(frame, trial.slot, trial).shares)),
    mode: frame.mode,
    vcpus: [...own, ...floating].toSorted((a, b) => a.vcpu - b.vcpu),
    ...seatThreads(frame.request, [...new BitSet(beside)], threads),
    dedicated: [...taken],
    blocked: choices.flatMap(({ blocked }) => blocked).toSorted((a, b) => a - b),
    unpaired: choices.reduce((sum, { unpaired }) => sum + unpaired, 0),
    broken: choices.reduce((sum, { broken }) => sum + broken, more.broken),
  };
}

function dedicatedSeats(frame: Frame, { trial, choice }: Chosen): readonly VcpuSeat[] {
  return trial.slot.parts
    .flatMap((part) => part.vcpus)
    .filter((vcpu) => isDedicatedVcpu(frame.request, vcpu))
    .map((vcpu, i): VcpuSeat => ({ vcpu, pcpus: choice.pcpus.slice(i, i + 1) }));
}

function takenBy({ pcpus, blocked, emulator }: CpuChoice): readonly number[] {
  return [...pcpus, ...blocked, ...emulator];
}

/** One share per cell: guest cells in one host cell draw on it together. */
function mergeShares(shares: readonly MemoryShare[]): readonly MemoryShare[] {
  const merged = new Map<number | undefined, MemoryShare>();
  for (const share of shares) {
    const bytes = (merged.get(share.cell)?.bytes ?? 0) + share.bytes;
    merged.set(share.cell, { ...share, bytes });
  }
  return [...merged.values()];
}
