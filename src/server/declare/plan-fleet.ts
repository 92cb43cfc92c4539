import { atOnce } from '../../base/at-once.ts';
import { present } from '../../base/assert.ts';
import { berthError } from '../../base/errors.ts';
import type { FleetPlanView, VmPlanView } from '../../api/declare.ts';
import { planViewOf } from '../../api/plan-view.ts';
import type { PlanView } from '../../api/resources.ts';
import type { SpecEntry } from '../../api/spec-file.ts';
import { Fleet as Books } from '../../engine/fleet/fleet.ts';
import { comingAt, requestOf, takerOf } from '../../engine/request.ts';
import type { PlacementRequest } from '../../engine/request.ts';
import { isActive } from '../../host/domain-record.ts';
import { needsRestart } from '../../host/drift.ts';
import type { Drift } from '../../host/drift.ts';
import { seatOf } from '../../model/host.ts';
import { joinedSeat } from '../../model/joined-seat.ts';
import { matchesLabels } from '../../model/label-selector.ts';
import type { LabelSelector } from '../../model/label-selector.ts';
import type { Placement } from '../../model/placement.ts';
import type { Fleet, FoundVm } from '../fleet/fleet.ts';
import { readDrift } from './read-drift.ts';
import { answerThere, asksTheSame, hasSameRules, requestThere } from './seat-claim.ts';
import { dearest, updateOf } from './update-of.ts';
import type { Update } from './update-of.ts';

/** VMs whose definitions are read at the same time. */
const READS_AT_ONCE = 16;

/** How a fleet should be. */
export interface FleetWish {
  readonly entries: readonly SpecEntry[];
  /** VMs with these labels that no document names are to go; absent: none goes. */
  readonly prune?: LabelSelector;
}

type Possible = Update & { readonly isPossible: true };

/** A VM that is there, as its document wants it. */
interface Changing {
  readonly entry: SpecEntry;
  readonly found: FoundVm;
  readonly update: Update;
  readonly drift: readonly Drift[];
}

/**
 * What would become of the fleet. VMs that are there come first, each on its host; then new ones, in
 * the order of their documents, each beside those that have a place. Nothing is claimed.
 * @throws BERTH_SPEC_INVALID for two documents of one name; BERTH_NOT_FOUND, BERTH_CONFLICT
 */
export async function planFleet(
  { fleet, now }: { readonly fleet: Fleet; readonly now: number },
  { entries, prune }: FleetWish,
): Promise<FleetPlanView> {
  refuseTwins(entries);
  for (const { spec } of entries) for (const host of spec.hosts) fleet.host(host);
  const there = await atOnce(READS_AT_ONCE, entries, async (entry) => changing(fleet, entry));
  const { snapshots } = await fleet.look();
  const desk = new Desk(new Books(snapshots), now);
  const seen = new Set(snapshots.map(({ name }) => name));
  const changed = there.map((each) => each && changeView(desk, each, seen));
  const created = desk.createAll(entries.filter((_, index) => changed[index] === undefined));
  const views = entries.map(({ spec }, index) => changed[index] ?? viewNamed(created, spec.name));
  const names = new Set(entries.map(({ spec }) => spec.name));
  const gone = prune === undefined ? [] : removals(fleet, prune, names);
  return { vms: [...views, ...gone] };
}

async function changing(fleet: Fleet, entry: SpecEntry): Promise<Changing | undefined> {
  const known = fleet.find(entry.spec.name);
  if (known === undefined) return undefined;
  const { mirror } = known;
  const isAway = mirror.unreachable !== undefined;
  const record = isAway ? known.record : await mirror.refresh(known.record.uuid);
  if (record === undefined) return undefined;
  const found = { mirror, record };
  const drift = isAway ? [] : await readDrift(mirror, record);
  return { entry, found, update: updateOf(found, entry.spec), drift };
}

/** @param seen hosts that told what is free on them; one may have gone since its VM was found. */
function changeView(
  desk: Desk,
  { entry, found, update, drift }: Changing,
  seen: ReadonlySet<string>,
): VmPlanView {
  const { mirror, record } = found;
  const about = { vm: entry.spec.name, host: mirror.name };
  const changes = [...update.changes];
  if (mirror.unreachable !== undefined || !seen.has(mirror.name)) {
    const reason = mirror.unreachable ?? 'it does not tell what is free on it';
    const why = `host ${mirror.name} does not answer: ${reason}`;
    const remedy = `see: berth host show ${mirror.name}`;
    return { action: 'blocked', ...about, changes, why, remedy };
  }
  if (!update.isPossible) {
    const { why, remedy } = update;
    return { action: 'blocked', ...about, changes, why, remedy };
  }
  if (update.undefinedYet.length === 0 && drift.length === 0) {
    return { action: 'unchanged', ...about, pending: changes };
  }
  const plan = desk.change(entry, found, update);
  const isRestart = isActive(record.state) && drift.some(needsRestart);
  return {
    action: 'update',
    ...about,
    changes,
    drift: [...drift],
    cost: isRestart ? 'restart' : dearest([...changes, ...update.undefinedYet]),
    ...(plan === undefined ? {} : { plan }),
  };
}

/** Where plans are made: books in which each sees what the ones before it take. */
class Desk {
  readonly #books: Books;
  readonly #now: number;

  constructor(books: Books, now: number) {
    this.#books = books;
    this.#now = now;
  }

  /**
   * Each beside those that have a place already. One that found none is tried again once another has
   * come, which it may have to be near: so the order of the documents does not matter for that.
   */
  createAll(entries: readonly SpecEntry[]): readonly VmPlanView[] {
    const views = new Map<SpecEntry, VmPlanView & { readonly action: 'create' }>();
    for (let left = entries; left.length > 0;) {
      for (const entry of left) views.set(entry, this.#create(entry));
      const refused = left.filter((entry) => views.get(entry)?.plan.placed === false);
      if (refused.length === left.length) break;
      left = refused;
    }
    return [...views.values()];
  }

  #create({ spec, document }: SpecEntry): VmPlanView & { readonly action: 'create' } {
    const request = comingAt(requestOf(spec), this.#now);
    const result = this.#books.place(request);
    // Nobody has a UUID of that form: it stands for the VM until it has one.
    if (result.ok) this.#enter(request, `new ${spec.name}`, result.placement);
    return { action: 'create', vm: spec.name, plan: planViewOf(document, result) };
  }

  /** Undefined where it asks for nothing else than before. */
  change(
    { spec, document }: SpecEntry,
    { mirror, record }: FoundVm,
    { defined }: Possible,
  ): PlanView | undefined {
    if (asksTheSame(defined, spec) && hasSameRules(defined, spec)) return undefined;
    const { uuid } = record;
    const now = this.#books.ledger(mirror.name).seats.get(uuid);
    if (now !== undefined) this.#books.leave(uuid);
    const request = requestThere(spec, { uuid, host: mirror.name }, this.#now);
    const result = answerThere(this.#books.place(request), mirror.name);
    if (result.ok) this.#enter(request, uuid, result.placement, now);
    else if (now !== undefined) this.#books.tryOut(mirror.name, now);
    return planViewOf(document, result);
  }

  #enter(
    request: PlacementRequest,
    uuid: string,
    placement: Placement,
    now?: ReturnType<typeof seatOf>,
  ): void {
    const seat = seatOf(takerOf(request, uuid), placement);
    this.#books.tryOut(placement.host, now === undefined ? seat : joinedSeat(now, seat));
  }
}

function viewNamed(views: readonly VmPlanView[], name: string): VmPlanView {
  return present(
    views.find(({ vm }) => vm === name),
    `the plan of ${name}`,
  );
}

function removals(
  fleet: Fleet,
  selector: LabelSelector,
  kept: ReadonlySet<string>,
): readonly VmPlanView[] {
  return fleet.mirrors
    .flatMap((mirror) => mirror.records.map((record) => ({ mirror, record })))
    .filter(({ record }) => record.metadata !== undefined && !kept.has(record.name))
    .filter(({ record }) => matchesLabels(selector, record.seat.labels ?? {}))
    .map(({ mirror, record }): VmPlanView => {
      const running = isActive(record.state);
      return { action: 'remove', vm: record.name, host: mirror.name, running };
    });
}

function refuseTwins(entries: readonly SpecEntry[]): void {
  const seen = new Map<string, number>();
  for (const [index, { spec }] of entries.entries()) {
    const first = seen.get(spec.name);
    if (first !== undefined) {
      throw berthError('BERTH_SPEC_INVALID', {
        where: `documents[${index}].metadata.name`,
        problem: `documents ${first + 1} and ${index + 1} are both named ${spec.name}`,
        expected: 'a name of its own for each VM',
      });
    }
    seen.set(spec.name, index);
  }
}
