import { present } from '../../base/assert.ts';
import { assignNested } from '../assignment.ts';
import { cellDistance } from '../host-shape.ts';
import type { Ledger } from '../ledger.ts';
import { ORDINARY_PAGE_KIB } from '../../model/placement.ts';
import type { Policy } from '../policy/policy.ts';
import { weighedTerms } from '../policy/policy.ts';
import { compareRanks } from '../rank.ts';
import type { PlacementRequest } from '../request.ts';
import type { CellEffect, Effect } from '../room/effect.ts';
import { CELL, cellAt, HOST } from '../room/room-layout.ts';
import type { Room } from '../room/room.ts';
import { loadIn } from '../room/room.ts';
import { RoomWorth } from '../room/room-worth.ts';
import type { SlotNeed } from '../room/slot-room.ts';
import { slotAlone, slotEffect, slotFits } from '../room/slot-room.ts';
import { totalFor } from '../score.ts';
import type { GuestPlan } from './guest-plan.ts';
import { MOST, NO_SCORE } from './score-tree.ts';

/** A host as foresight sees it. */
interface Foreseen {
  readonly ledger: Ledger;
  readonly room: Room;
}

/**
 * What a plain guest would score on a host, from counts alone: what placing it finds where counts
 * say everything, else no less. `NO_SCORE` where it cannot fit.
 */
export function foresee(host: Foreseen, request: PlacementRequest, plan: GuestPlan): number {
  if (!hostHas(host, plan)) return NO_SCORE;
  switch (plan.layout) {
    case 'bound':
      return boundScore(host, request, plan);
    case 'floating':
      return floatingScore(host, request, plan);
    case 'spread':
      return MOST; // no plain guest is, but nothing can be more
  }
}

/**
 * A score that `foresee` does not exceed, for much less work: by what the cells lose at least, every
 * other term at its best. Undefined where there is no such short way.
 */
export function glimpse(host: Foreseen, plan: GuestPlan): number | undefined {
  const { room } = host;
  const isLost = (room.policy.weights['room-kept'] ?? 0) > 0;
  if (plan.layout !== 'bound' || plan.whole.policy !== 'dedicated' || !isLost) return undefined;
  if (!hostHas(host, plan)) return NO_SCORE;
  const left = room.outlook.worth.leastOnHost(room.row);
  let most = NO_SCORE;
  for (const slots of plan.cuts) {
    const lost = leastLost(room, slots);
    if (lost === undefined) continue;
    most = Math.max(most, mostWhenLost(room.policy, left + lost));
    if (slots.length === 1) break; // what fits one cell is put in one
  }
  return most;
}

/** What slots lose at least, each in its best cell; undefined where one fits none. */
function leastLost({ row, layout, outlook }: Room, slots: readonly SlotNeed[]): number | undefined {
  let sum = 0;
  for (const need of slots) {
    let least = Number.POSITIVE_INFINITY;
    for (let index = 0; index < layout.cells; index++) {
      if (!slotFits(row, layout, { need, index })) continue;
      const { pcpus, bytes, pageKiB } = slotEffect(row, layout, { need, index });
      const taken = { pcpus, bytes: pageKiB === ORDINARY_PAGE_KIB ? bytes : 0 };
      least = Math.min(least, outlook.worth.leastInCell(row, cellAt(layout, index), taken));
    }
    if (least === Number.POSITIVE_INFINITY) return undefined;
    sum += least;
  }
  return slots.length > layout.cells ? undefined : sum;
}

/** The most that a score can be after such a loss; a little more, as sums are rounded. */
function mostWhenLost(policy: Policy, lost: number): number {
  const { sum } = weighedTerms(policy);
  const weight = policy.weights['room-kept'] ?? 0;
  return ((weight * RoomWorth.kept(lost) + sum - weight) / sum) * (1 + ROUNDING);
}

const ROUNDING = 1e-9;

function hostHas({ room: { row } }: Foreseen, { whole, ram }: GuestPlan): boolean {
  const cpus = whole.policy === 'shared' ? HOST.floats : HOST.free;
  const each = whole.threads === 'isolate' ? (row[HOST.leastThreads] ?? 1) : 1;
  if (whole.vcpus * each > (row[cpus] ?? 0)) return false;
  if (whole.policy === 'shared' && whole.vcpus > (row[HOST.pool] ?? 0)) return false;
  return ram <= (row[HOST.ram] ?? 0) && ram <= (row[HOST.memory] ?? 0);
}

/** As few cells as take it, those that leave most. */
function boundScore(host: Foreseen, request: PlacementRequest, plan: GuestPlan): number {
  const { room } = host;
  for (const slots of plan.cuts) {
    if (slots.length > room.layout.cells) return NO_SCORE;
    const [only, second] = slots;
    if (only !== undefined && second === undefined) {
      const best = bestOfCells(host, request, only);
      if (best !== NO_SCORE) return best;
      continue;
    }
    const homes = homesFor(host, request, slots);
    if (homes === undefined) continue;
    const cells = homes.map((index, slot) => {
      const need = present(slots[slot], 'the need of a slot');
      return slotEffect(room.row, room.layout, { need, index });
    });
    return score(host, request, { cells, floats: floatsOf(plan), ram: plan.ram });
  }
  return NO_SCORE;
}

/** The best score of a guest in one cell. */
function bestOfCells(host: Foreseen, request: PlacementRequest, need: SlotNeed): number {
  const { row, layout } = host.room;
  let best = NO_SCORE;
  for (let index = 0; index < layout.cells; index++) {
    if (!slotFits(row, layout, { need, index })) continue;
    best = Math.max(best, score(host, request, slotAlone(row, layout, { need, index })));
  }
  return best;
}

function homesFor(
  host: Foreseen,
  request: PlacementRequest,
  slots: readonly SlotNeed[],
): readonly number[] | undefined {
  const { room, ledger } = host;
  const { row, layout } = room;
  const known: (readonly number[] | undefined)[] = [];
  const rank = (slot: number, index: number): readonly number[] => {
    const key = slot * layout.cells + index;
    const found = known[key];
    if (found !== undefined) return found;
    const need = present(slots[slot], 'the need of a slot');
    const effect = slotAlone(row, layout, { need, index });
    const made = [0, -score(host, request, effect), loadIn(room, index, effect.floats), index];
    known[key] = made;
    return made;
  };
  const near = assignNested(
    slots.map((need) => cellsThatFit(room, need)),
    { distance: (a, b) => cellDistance(ledger.host.topology, a, b), rank },
  );
  return 'cells' in near ? near.cells : undefined;
}

function cellsThatFit({ row, layout }: Room, need: SlotNeed): readonly number[] {
  const fitting: number[] = [];
  for (let index = 0; index < layout.cells; index++) {
    if (slotFits(row, layout, { need, index })) fitting.push(index);
  }
  return fitting;
}

/** In the least loaded cell that has room for its memory, else anywhere. */
function floatingScore(host: Foreseen, request: PlacementRequest, plan: GuestPlan): number {
  const { whole, ram } = plan;
  const floats = floatsOf(plan);
  const home = request.cells === 'none' ? undefined : leastLoaded(host.room, whole);
  const cells: readonly CellEffect[] =
    home === undefined
      ? []
      : [{ index: home, pcpus: 0, cores: 0, broken: 0, unpaired: 0, floats, bytes: 0, pageKiB: 4 }];
  return score(host, request, { cells, floats, ram });
}

function leastLoaded(room: Room, need: SlotNeed): number | undefined {
  let best: { readonly index: number; readonly rank: readonly number[] } | undefined;
  for (const index of cellsThatFit(room, need)) {
    const rank = [loadIn(room, index, need.vcpus), -bytesFor(room, need, index)];
    if (best === undefined || compareRanks(rank, best.rank) < 0) best = { index, rank };
  }
  return best?.index;
}

function bytesFor({ row, layout }: Room, { overbound }: SlotNeed, index: number): number {
  const field = overbound ? CELL.floatBytes : CELL.bytes;
  return Math.max(0, row[cellAt(layout, index) + field] ?? 0);
}

function floatsOf({ whole }: GuestPlan): number {
  return whole.policy === 'shared' ? whole.vcpus : 0;
}

function score({ room }: Foreseen, request: PlacementRequest, effect: Effect): number {
  return totalFor(room.policy, room.after(request, effect));
}
