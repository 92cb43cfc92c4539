import type { PlacementRequest } from './request.ts';

/** One NUMA node of the guest before it has a host cell. */
export interface GuestPart {
  readonly id: number;
  readonly vcpus: readonly number[];
  readonly bytes: number;
}

/** What one host cell is to take: one guest cell, or several that were sent there by hand. */
export interface Slot {
  readonly parts: readonly GuestPart[];
  /** Index of the host cell, where it was given by hand. */
  readonly fixed?: number;
  readonly vcpus: number;
  /** vCPUs of it that have a pCPU each; the others float. */
  readonly dedicated: number;
  readonly bytes: number;
  /** pCPUs beside the vCPUs' that other threads of QEMU have for themselves: all in one slot. */
  readonly emulator: number;
  /** QEMU's own memory: all of it in the first slot. */
  readonly overheadBytes: number;
}

/**
 * Cuts a guest into `count` equal parts. vCPUs differ by at most one core (`vcpusPerCore`), memory
 * by at most one unit; the larger parts come first, so that no part needs more of anything than the
 * one before it. Memory beyond whole units goes to the first part.
 * @returns undefined when there are fewer cores or units than parts.
 */
export function cutEvenly(
  guest: { readonly vcpus: number; readonly memoryBytes: number },
  count: number,
  grain: { readonly vcpusPerCore: number; readonly unitBytes: number },
): readonly GuestPart[] | undefined {
  const cores = Math.floor(guest.vcpus / grain.vcpusPerCore);
  const units = Math.floor(guest.memoryBytes / grain.unitBytes);
  if (cores < count || (units < count && count > 1)) return undefined;
  const remainder = guest.memoryBytes - units * grain.unitBytes;
  let next = 0;
  return Array.from({ length: count }, (_, id) => {
    const vcpus = evenShare(cores, count, id) * grain.vcpusPerCore;
    const first = next;
    next += vcpus;
    return {
      id,
      vcpus: Array.from({ length: vcpus }, (_, index) => first + index),
      bytes: evenShare(units, count, id) * grain.unitBytes + (id === 0 ? remainder : 0),
    };
  });
}

/** The guest cells that were given by hand. */
export function partsGiven(request: PlacementRequest): readonly GuestPart[] | undefined {
  if (typeof request.cells !== 'object') return undefined;
  return request.cells.map((cell, id) => ({
    id,
    vcpus: cell.cpus.toSorted((a, b) => a - b),
    bytes: cell.memoryBytes,
  }));
}

/** Puts parts into slots: those with the same host cell by hand share one, every other has its own. */
export function slotsOf(
  parts: readonly GuestPart[],
  fixed: readonly (number | undefined)[],
  own: {
    readonly emulator: number;
    /** Which slot has these pCPUs; the first unless given. */
    readonly at?: number;
    readonly overheadBytes: number;
    readonly isDedicated: (vcpu: number) => boolean;
  },
): readonly Slot[] {
  const groups = new Map<string, { parts: GuestPart[]; fixed: number | undefined }>();
  parts.forEach((part, index) => {
    const cell = fixed[index];
    const key = cell === undefined ? `part ${index}` : `cell ${cell}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { parts: [part], fixed: cell });
    else group.parts.push(part);
  });
  return [...groups.values()].map((group, index) => ({
    parts: group.parts,
    ...(group.fixed === undefined ? {} : { fixed: group.fixed }),
    vcpus: group.parts.reduce((sum, part) => sum + part.vcpus.length, 0),
    dedicated: group.parts.flatMap((part) => part.vcpus).filter(own.isDedicated).length,
    bytes: group.parts.reduce((sum, part) => sum + part.bytes, 0),
    emulator: index === (own.at ?? 0) ? own.emulator : 0,
    overheadBytes: index === 0 ? own.overheadBytes : 0,
  }));
}

/** The same for slots that need the same of a cell. */
export function slotKey(slot: Slot): string {
  return [
    slot.vcpus,
    slot.dedicated,
    slot.bytes,
    slot.emulator,
    slot.overheadBytes,
    slot.fixed,
  ].join();
}

/**
 * The same slots in such an order that whatever cell takes one takes every later one too.
 * @returns undefined when there is no such order.
 */
export function byNeed(slots: readonly Slot[]): readonly Slot[] | undefined {
  const pcpus = (slot: Slot): number => slot.vcpus + slot.emulator;
  const ordered = slots.toSorted(
    (a, b) =>
      pcpus(b) - pcpus(a) ||
      b.vcpus - a.vcpus ||
      b.overheadBytes - a.overheadBytes ||
      b.bytes - a.bytes,
  );
  const isNested = ordered.every((slot, index) => {
    const next = ordered[index + 1];
    return (
      next === undefined ||
      // A pCPU more makes no whole core more.
      (slot.vcpus >= next.vcpus &&
        slot.overheadBytes >= next.overheadBytes &&
        slot.bytes >= next.bytes)
    );
  });
  return isNested ? ordered : undefined;
}

function evenShare(total: number, count: number, index: number): number {
  return Math.floor(total / count) + (index < total % count ? 1 : 0);
}
