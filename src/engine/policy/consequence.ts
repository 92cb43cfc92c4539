import type { Effect } from '../room/effect.ts';
import type { RoomLayout } from '../room/room-layout.ts';
import { CELL, cellAt, HOST } from '../room/room-layout.ts';
import { RoomWorth } from '../room/room-worth.ts';
import type { TermName } from './policy.ts';

/** The part of a request that scores look at beside what it takes. */
export interface ScoredGuest {
  readonly vcpus: number;
  readonly policy: 'shared' | 'dedicated' | 'mixed';
  /** When it is expected to be gone, and how long it is expected to be there; both or none. */
  readonly expectedEnd?: number;
  readonly expectedLifetimeMs?: number;
}

/** One way to seat a guest on a host, seen by what it leaves: every term is read from this. */
export interface Consequence {
  readonly layout: RoomLayout;
  /** The host's row, and what becomes of it. */
  readonly before: Float64Array;
  readonly after: Float64Array;
  readonly effect: Effect;
  readonly guest: ScoredGuest;
  readonly worth: RoomWorth;
  /** What `RoomWorth.beside` says of the row before. */
  readonly worthBefore: number;
}

/** The value of one term, 0 (worst) to 1 (best). */
export function termValue(name: TermName, of: Consequence): number {
  return TERMS[name](of);
}

const TERMS: Readonly<Record<TermName, (of: Consequence) => number>> = {
  'room-kept': ({ worth, worthBefore, layout, before, after, effect }) =>
    RoomWorth.kept(worth.lost(layout, { before, after, worthBefore, cells: effect.cells })),
  'host-open': ({ before }) => field(before, HOST.inUse),
  'whole-cores': ({ effect, guest }) => {
    let unpaired = 0;
    for (const cell of effect.cells) unpaired += cell.unpaired;
    return 1 - unpaired / guest.vcpus;
  },
  'fewest-cells': ({ effect, layout }) => {
    let homes = 0;
    for (const { pcpus, floats } of effect.cells) if (pcpus + floats > 0) homes++;
    return 1 / Math.max(1, homes === 0 ? layout.cells : homes);
  },
  'cores-kept': ({ effect }) => {
    let [taken, broken] = [0, 0];
    for (const cell of effect.cells) {
      taken += cell.pcpus;
      broken += cell.broken;
    }
    return 1 - broken / Math.max(1, taken);
  },
  'cells-kept': ({ effect, before, layout }) => {
    let newly = 0;
    for (const { index } of effect.cells) {
      newly += field(before, cellAt(layout, index) + CELL.untouched);
    }
    return 1 - newly / Math.max(1, layout.cells);
  },
  'cpu-fit': cpuFit,
  'memory-fit': memoryFit,
  'fullest-host': ({ after }) => clamp(shareInUse(after)),
  'emptiest-host': ({ after }) => clamp(1 - shareInUse(after)),
  balance: ({ after }) => clamp(1 - Math.abs(cpuShare(after) - memoryShare(after))),
  'ends-together': ({ before, guest: { expectedEnd, expectedLifetimeMs } }) => {
    if (expectedEnd === undefined || expectedLifetimeMs === undefined) return 1;
    const end = field(before, HOST.end);
    if (end === 0 && field(before, HOST.inUse) === 1) return 1 / 2; // nobody knows
    return clamp(1 - (expectedEnd - end) / Math.max(1, expectedLifetimeMs));
  },
};

function cpuFit({ effect, guest, after, layout }: Consequence): number {
  if (guest.policy === 'shared') {
    const allowed = field(after, HOST.pool) * field(after, HOST.cpuRatio);
    return clamp(field(after, HOST.floats) / Math.max(1, allowed));
  }
  let [left, all] = [0, 0];
  for (const { index } of effect.cells) {
    const at = cellAt(layout, index);
    left += field(after, at + CELL.free);
    all += field(after, at + CELL.cpus);
  }
  return clamp(1 - left / Math.max(1, all));
}

function memoryFit({ effect, after, layout }: Consequence): number {
  let [left, all] = [0, 0];
  for (const { index } of effect.cells) {
    const at = cellAt(layout, index);
    left += field(after, at + CELL.bytes);
    all += field(after, at + CELL.memory);
  }
  if (all === 0) return clamp(1 - memoryShare(after));
  return clamp(1 - left / all);
}

function shareInUse(row: Float64Array): number {
  return Math.max(cpuShare(row), memoryShare(row));
}

function cpuShare(row: Float64Array): number {
  return field(row, HOST.cpusUsed) / Math.max(1, field(row, HOST.cpus));
}

function memoryShare(row: Float64Array): number {
  return field(row, HOST.memoryUsed) / Math.max(1, field(row, HOST.memory));
}

function field(row: Float64Array, at: number): number {
  return row[at] ?? 0;
}

function clamp(value: number): number {
  return Math.min(1, Math.max(0, value));
}
