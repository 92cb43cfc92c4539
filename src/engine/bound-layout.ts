import { present } from '../base/assert.ts';
import { formatIntSet } from '../base/int-set.ts';
import { assignCheaply, assignFreely, assignNested } from './assignment.ts';
import { noneLeft, oneCellOnly, tooFewCells, tooFewFit } from './cell-limits.ts';
import type { Frame } from './frame.ts';
import type { GuestPart, Slot } from './guest-parts.ts';
import { whereDevicesAre } from './device-cells.ts';
import { byNeed, cutEvenly, partsGiven, slotKey, slotsOf } from './guest-parts.ts';
import { compareRanks } from './rank.ts';
import type { BrokenLimit } from './refusal.ts';
import { isDedicatedVcpu } from './request.ts';
import { seatSlots } from './seat-slots.ts';
import type { Attempt } from './seating.ts';
import { failed } from './seating.ts';
import type { Trial } from './slot-fit.ts';
import { distance, trialCpus, trialFits, trialLimits, trialRank } from './slot-fit.ts';
import { ownPcpus } from './thread-place.ts';

/** How many equal guest cells could be tried on this host at most. */
export function mostParts(frame: Frame): number {
  const { request, homes, unitBytes } = frame;
  const cores = Math.floor(request.vcpus / vcpusPerCore(frame));
  const units = Math.max(1, Math.floor(request.memoryBytes / unitBytes));
  return Math.min(homes.length, cores, units);
}

/** Tries that many equal guest cells, each in a host cell of its own. */
export function layOutEvenly(frame: Frame, count: number): Attempt {
  const { request, homes, unitBytes } = frame;
  const parts = cutEvenly(request, count, { vcpusPerCore: vcpusPerCore(frame), unitBytes });
  if (parts === undefined || homes.length < count) {
    return failed(() => [tooFewCells(count, mostParts(frame))]);
  }
  const single = oneCellOnly(frame, count);
  if (single.length > 0) return failed(() => single);
  return whereDevicesAre(frame, { homes, count }, (among) =>
    nearOrScattered(frame, { parts, fixed: [] }, (slots, io) =>
      seatEvenly(frame, slots, { homes: among, io }),
    ),
  );
}

/** Seats the slots of equal parts, of which as a rule none needs more than the one before it. */
function seatEvenly(
  frame: Frame,
  slots: readonly Slot[],
  { homes, io }: { readonly homes: readonly number[]; readonly io: number },
): Attempt {
  const { policy, threads } = frame.request;
  const ordered = policy === 'mixed' ? undefined : byNeed(slots);
  const fits = tryEverywhere(frame, ordered ?? slots, homes);
  const how = { fits, io };
  const attempt =
    ordered === undefined ? seatFreely(frame, slots, how) : seatNear(frame, ordered, how);
  if (attempt.ok || threads !== 'isolate') return attempt;
  return layOutFrugally(frame, ordered ?? slots, { ...how, instead: attempt });
}

/** Seats slots of which none needs more than the one before it, in cells close together. */
function seatNear(frame: Frame, slots: readonly Slot[], { fits, io }: How): Attempt {
  const near = assignNested(fits.candidates, {
    distance: (a, b) => distance(frame, a, b),
    rank: ranker(frame, slots),
  });
  if ('cells' in near) return seat(frame, slots, { cells: inOrder(slots, near.cells), io });
  return failed(() => [
    ...tooFewFit(slots, near.shortOf, fits.candidates[near.shortOf]?.length ?? 0),
    ...fits.broken(near.shortOf),
  ]);
}

/**
 * The same once more, with the fewest siblings kept idle: cores of a host differ where threads are
 * offline, and floating guests may need every pCPU that can be spared.
 * @param how.instead what came of it before, to be told where this comes to nothing.
 */
function layOutFrugally(
  frame: Frame,
  slots: readonly Slot[],
  how: How & { readonly instead: Attempt },
): Attempt {
  const { fits, io, instead } = how;
  if ('shortOf' in assignFreely(fits.candidates)) return instead;
  const idle = (slot: number, home: number): number =>
    trialCpus(frame, trialOf(slots, slot, home)).blocked.length;
  const cells = assignCheaply(fits.candidates, idle);
  if (cells === undefined) return instead;
  const attempt = seat(frame, slots, { cells: inOrder(slots, cells), io });
  return attempt.ok ? attempt : instead;
}

/** Tries the guest cells that were given by hand, in the host cells given where there are any. */
export function layOutAsGiven(frame: Frame): Attempt {
  const parts = present(partsGiven(frame.request), 'guest cells given by hand');
  const { fixed, broken } = fixedCells(frame);
  if (broken.length > 0) return failed(() => broken);
  const open = frame.homes.filter((home) => !fixed.includes(home));
  const given = new Set(fixed.flatMap((index) => index ?? []));
  const count = fixed.filter((index) => index === undefined).length;
  return whereDevicesAre(frame, { homes: open, count, given: [...given] }, (among) =>
    nearOrScattered(frame, { parts, fixed }, (slots, io) => {
      const single = oneCellOnly(frame, slots.length);
      if (single.length > 0) return failed(() => single);
      const loose = slots.filter((slot) => slot.fixed === undefined).length;
      if (loose > open.length) return failed(() => [tooFewCells(loose, open.length)]);
      const fits = tryEverywhere(frame, slots, among);
      return seatFreely(frame, slots, { fits, io });
    }),
  );
}

/**
 * Tries pCPUs that other threads of QEMU have for themselves all beside one guest cell: the first, or
 * whichever leaves them; then those of the I/O threads wherever a pCPU is left.
 */
function nearOrScattered(
  frame: Frame,
  cut: Cut,
  lay: (slots: readonly Slot[], io: number) => Attempt,
): Attempt {
  const { emulator, io } = ownPcpus(frame.request);
  const near = besideOne(frame, { ...cut, emulator: emulator + io }, (slots) => lay(slots, 0));
  if (near.ok || io === 0) return near;
  const scattered = besideOne(frame, { ...cut, emulator }, (slots) => lay(slots, io));
  return scattered.ok ? scattered : near;
}

/** Tries so many pCPUs beside each guest cell in turn, alike ones once; where none has room, the first says why. */
function besideOne(
  { request, overheadBytes }: Frame,
  { parts, fixed, emulator }: Cut & { readonly emulator: number },
  lay: (slots: readonly Slot[]) => Attempt,
): Attempt {
  const isDedicated = (vcpu: number): boolean => isDedicatedVcpu(request, vcpu);
  const slotsWith = (own: number, at: number): readonly Slot[] =>
    slotsOf(parts, fixed, { emulator: own, at, overheadBytes, isDedicated });
  const first = lay(slotsWith(emulator, 0));
  if (first.ok || emulator === 0) return first;
  const kinds = slotsWith(0, 0).map(slotKey);
  // The smaller parts of an even cut come last, and leave most.
  const others = kinds.flatMap((key, at) => (kinds.indexOf(key) === at && at > 0 ? [at] : []));
  for (const at of others.toReversed()) {
    const attempt = lay(slotsWith(emulator, at));
    if (attempt.ok) return attempt;
  }
  return first;
}

/** Guest cells, and the host cells some of them were sent to by hand. */
interface Cut {
  readonly parts: readonly GuestPart[];
  readonly fixed: readonly (number | undefined)[];
}

/** Where slots fit, and how many I/O threads go wherever a pCPU is left. */
interface How {
  readonly fits: Fits;
  readonly io: number;
}

/** Seats slots whose needs differ every way, each in a cell of its own. */
function seatFreely(frame: Frame, slots: readonly Slot[], { fits, io }: How): Attempt {
  const rank = ranker(frame, slots);
  const preferred = fits.candidates.map((homes, slot) =>
    homes
      .map((home) => ({ home, rank: rank(slot, home) }))
      .toSorted((a, b) => compareRanks(a.rank, b.rank))
      .map(({ home }) => home),
  );
  const assigned = assignFreely(preferred);
  return 'cells' in assigned
    ? seat(frame, slots, { cells: assigned.cells, io })
    : failed(() => [...noneLeft(slots, assigned.seated), ...fits.broken(assigned.shortOf)]);
}

function vcpusPerCore({ request, ledger }: Frame): number {
  // The dedicated vCPUs of a mixed guest may begin anywhere: whole cores are for each cell to check.
  return request.policy === 'dedicated' && request.threads === 'require' ? ledger.shape.threads : 1;
}

function fixedCells(frame: Frame): {
  readonly fixed: readonly (number | undefined)[];
  readonly broken: readonly BrokenLimit[];
} {
  const { cells } = frame.request;
  const given = typeof cells === 'object' ? cells.map((cell) => cell.hostCell) : [];
  const byId = new Map(frame.ledger.cells.map((cell) => [cell.id, cell.index]));
  const homeIds = frame.ledger.cells.filter((cell) => frame.homes.includes(cell.index));
  const wrong = given.filter((id) => id !== undefined && !frame.homes.includes(byId.get(id) ?? -1));
  return {
    fixed: given.map((id) => (id === undefined ? undefined : byId.get(id))),
    broken: [...new Set(wrong)].map((id) => ({
      check: 'host-cell',
      need: `${id}`,
      have: formatIntSet(homeIds.map((cell) => cell.id)),
      say: `a guest cell is to lie on host cell ${id}, which ${byId.has(id ?? -1) ? 'has no pCPU that the guest may use' : 'the host does not have'}`,
      heldBy: [],
    })),
  };
}

/** Which cells take each slot, and what stands against the others. */
interface Fits {
  readonly candidates: readonly (readonly number[])[];
  readonly broken: (slot: number) => readonly BrokenLimit[];
}

function tryEverywhere(frame: Frame, slots: readonly Slot[], homes: readonly number[]): Fits {
  const known = new Map<string, readonly number[]>();
  const homesOf = ({ fixed }: Slot): readonly number[] => (fixed === undefined ? homes : [fixed]);
  const candidates = slots.map((slot, index) => {
    const key = slotKey(slot);
    const fitting =
      known.get(key) ??
      homesOf(slot).filter((home) => trialFits(frame, trialOf(slots, index, home)));
    known.set(key, fitting);
    return fitting;
  });
  return {
    candidates,
    broken: (index) => {
      const slot = present(slots[index], 'the slot that is short');
      return homesOf(slot).flatMap((home) => trialLimits(frame, trialOf(slots, index, home)));
    },
  };
}

/** Ranks slots in cells; slots with the same needs are ranked once. */
function ranker(
  frame: Frame,
  slots: readonly Slot[],
): (slot: number, home: number) => readonly number[] {
  const known = new Map<string, readonly number[]>();
  const keys = slots.map(slotKey);
  return (slot, home) => {
    const key = `${home} ${keys[slot] ?? ''}`;
    const found = known.get(key) ?? trialRank(frame, trialOf(slots, slot, home));
    known.set(key, found);
    return found;
  };
}

function trialOf(slots: readonly Slot[], index: number, home: number): Trial {
  return { slot: present(slots[index], `slot ${index}`), home, alone: slots.length === 1 };
}

function seat(
  frame: Frame,
  slots: readonly Slot[],
  { cells, io }: { readonly cells: readonly number[]; readonly io: number },
): Attempt {
  const trials = slots.map((_, index) => trialOf(slots, index, present(cells[index], 'a cell')));
  return seatSlots(frame, trials, io);
}

/** Among slots with the same needs the lower guest cell gets the lower host cell. */
function inOrder(slots: readonly Slot[], cells: readonly number[]): readonly number[] {
  const keys = slots.map(slotKey);
  return cells.map((_, slot) => {
    const alike = cells.filter((_, other) => keys[other] === keys[slot]).toSorted((a, b) => a - b);
    const place = keys.slice(0, slot).filter((key) => key === keys[slot]).length;
    return present(alike[place], 'a cell for each slot');
  });
}
