import { layOutAsGiven, layOutEvenly, mostParts } from './bound-layout.ts';
import { floatAnywhere, floatInOneCell, spreadOverCells } from './floating-layout.ts';
import type { Frame } from './frame.ts';
import { frameOf } from './frame.ts';
import {
  countsAll,
  hostLimits,
  hostMemoryLimits,
  threadLimits,
  unseenLimits,
} from './host-limits.ts';
import type { Ledger } from './ledger.ts';
import { ramLimits } from './memory-limits.ts';
import { PLAIN_OUTLOOK } from './policy/outlook.ts';
import type { BrokenLimit, HostRefusal } from './refusal.ts';
import { hostRules, mayUse } from './relations/host-rules.ts';
import { wishesNearPci, withWishes } from './relations/wishes.ts';
import type { PlacementRequest } from './request.ts';
import { Room } from './room/room.ts';
import type { Score } from './score.ts';
import { scoreOf } from './score.ts';
import type { Attempt, Seating } from './seating.ts';
import { failed } from './seating.ts';
import type { WritePlacement } from './write-placement.ts';
import { placementOf } from './write-placement.ts';

/** What one host says to a request; the placement is written down only when asked for. */
export type HostVerdict =
  | { readonly ok: true; readonly score: Score; readonly write: WritePlacement }
  | { readonly ok: false; readonly refusal: HostRefusal };

/** Places a VM on one host, or says everything that stands against it. The ledger stays as it is. */
export function placeOnHost(
  ledger: Ledger,
  request: PlacementRequest,
  room: Room = new Room(ledger, PLAIN_OUTLOOK),
): HostVerdict {
  const host = ledger.host.name;
  const rules = hostRules(ledger.host, request);
  if (rules.some(({ check }) => check === 'host-excluded')) {
    return { ok: false, refusal: { host, checks: rules } };
  }
  const { frame, broken } = frameOf(ledger, request, room);
  const threads = threadLimits(frame);
  if (threads.length > 0) {
    return refused(host, [...rules, ...broken, ...threads, ...hostMemoryLimits(frame)], []);
  }
  const { seating, tried } = firstSeating(frame);
  if (seating === undefined || broken.length > 0 || unseenLimits(frame).length > 0) {
    return refused(
      host,
      [...rules, ...broken, ...hostLimits(frame)],
      tried.map((why) => why()),
    );
  }
  if (rules.length > 0) return refused(host, rules, []);
  return {
    ok: true,
    score: withWishes(
      scoreOf(frame, seating),
      wishesNearPci(request) ? seating.pciNear : undefined,
    ),
    write: (how) => placementOf(frame, seating, how),
  };
}

/** Whether the VM fits the host: the same answer, for searches that need no reasons. */
export function fitsHost(ledger: Ledger, request: PlacementRequest): boolean {
  if (!mayUse(ledger.host, request)) return false;
  const { frame, broken } = frameOf(ledger, request);
  if (broken.length > 0 || threadLimits(frame).length > 0) return false;
  return firstSeating(frame).seating !== undefined && unseenLimits(frame).length === 0;
}

/** The best layout that comes off, and what stood against those before it. */
function firstSeating(frame: Frame): {
  readonly seating?: Seating;
  readonly tried: readonly (() => readonly BrokenLimit[])[];
} {
  const tried: (() => readonly BrokenLimit[])[] = [];
  for (const attempt of attempts(frame)) {
    const checked = attempt.ok ? checkWhole(frame, attempt.seating) : attempt;
    if (checked.ok) return { seating: checked.seating, tried };
    tried.push(checked.broken);
  }
  return { tried };
}

/** Every way to lay the guest out, the best first; made one by one, as they are asked for. */
function* attempts(frame: Frame): Generator<Attempt> {
  const { cells } = frame.request;
  if (frame.layout === 'floating') {
    if (cells !== 'none') yield floatInOneCell(frame);
    yield floatAnywhere(frame);
  } else if (frame.layout === 'spread') {
    yield spreadOverCells(frame);
  } else if (cells === 'auto') {
    for (let count = 1; count <= mostParts(frame); count++) yield layOutEvenly(frame, count);
  } else if (typeof cells === 'number') {
    yield layOutEvenly(frame, cells);
  } else if (cells !== 'none') {
    yield layOutAsGiven(frame);
  }
}

/** Limits of the host as a whole on the memory it counts, as that was really laid out over cells. */
function checkWhole(frame: Frame, seating: Seating): Attempt {
  const { ledger, huge } = frame;
  const counts = (id: number | undefined): boolean =>
    id === undefined || ledger.cells.some((cell) => cell.id === id && cell.hasCpus);
  const counted = !huge || countsAll(frame);
  const shares = counted ? seating.memory.filter(({ cell }) => counts(cell)) : [];
  const own = counts(seating.memory[0]?.cell) ? frame.overheadBytes : 0;
  const bytes = shares.reduce((sum, share) => sum + share.bytes, own);
  const broken = bytes > 0 ? ramLimits(frame, bytes) : [];
  return broken.length > 0 ? failed(() => broken) : { ok: true, seating };
}

/**
 * Puts the host's own limits first. What each attempt found follows where it adds something: a limit
 * that the whole host breaks is not said again for each cell, nor that too few cells fit because
 * of it.
 */
function refused(
  host: string,
  general: readonly BrokenLimit[],
  tried: readonly (readonly BrokenLimit[])[],
): HostVerdict {
  const known = new Set(general.map((limit) => limit.check));
  // Without a pool of that size there is nothing to say of its pages.
  if (known.has('page-size')) known.add('pages');
  const more = tried.flatMap((broken) => {
    const rest = broken.filter((limit) => !known.has(limit.check));
    const follows = rest.length < broken.length && rest.every((limit) => limit.check === 'cells');
    return follows ? [] : rest;
  });
  const checks = new Map([...general, ...more].map((limit) => [limit.say, limit]));
  return { ok: false, refusal: { host, checks: [...checks.values()] } };
}
