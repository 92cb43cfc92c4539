import { present } from '../base/assert.ts';
import type { HostSnapshot } from '../model/host.ts';
import type { Placement } from '../model/placement.ts';
import { BooksWorld } from './changes/books-world.ts';
import type { Change } from './changes/change.ts';
import { smallestChanges } from './changes/smallest-changes.ts';
import { summaryOf } from './explain.ts';
import type { Ledger } from './ledger.ts';
import { Room } from './room/room.ts';
import { ledgerOf } from './ledger.ts';
import { LikeRefusals } from './like-refusals.ts';
import { Likenesses } from './likeness.ts';
import { placeOnHost } from './place-on-host.ts';
import type { HostVerdict } from './place-on-host.ts';
import type { Policy } from './policy/policy.ts';
import { DEFAULT_POLICY } from './policy/policy.ts';
import type { Outlook } from './policy/outlook.ts';
import { outlookOf } from './policy/outlook-of.ts';
import type { HostRefusal } from './refusal.ts';
import { mayUse } from './relations/host-rules.ts';
import type { Relations } from './relations/relations.ts';
import { relationsOf } from './relations/relations.ts';
import type { WritePlacement } from './write-placement.ts';
import { withWishes } from './relations/wishes.ts';
import type { PlacementRequest } from './request.ts';
import type { Score } from './score.ts';

/** The VM fits: where it sits, and how good that is. */
export interface Placed {
  readonly ok: true;
  readonly placement: Placement;
  readonly score: Score;
  /** The second best host, where there is one. */
  readonly runnerUp?: { readonly host: string; readonly score: Score };
}

/** No host takes the VM: every host with every limit it broke. */
export interface Refused {
  readonly ok: false;
  /** One for each host, in the order given. */
  readonly refusals: readonly HostRefusal[];
  /** One line. */
  readonly summary: string;
  /** Changes with which it fits, the least painful first; empty when none alone helps. */
  readonly smallestChange: readonly Change[];
}

export type PlaceResult = Placed | Refused;

/** A host that takes the VM, and how good it is there. */
export interface Found {
  readonly host: string;
  readonly score: Score;
  /** Writes the placement down; good until the host's ledger changes. */
  readonly write: WritePlacement;
}

/**
 * Finds the best place for one VM on the hosts given. Of hosts that score the same the first wins,
 * so the answer depends on nothing but the arguments. The request is taken to be free of the
 * contradictions that `specProblems` finds.
 */
export function place(
  hosts: readonly HostSnapshot[],
  request: PlacementRequest,
  policy: Policy = DEFAULT_POLICY,
): PlaceResult {
  return placeOn(
    hosts.map((host) => ledgerOf(host, request.uuid)),
    request,
    policy,
  );
}

/**
 * The same over ledgers that are open already, which is cheaper when many VMs are placed in turn. A
 * seat that the VM itself holds must have been released by then. The ledgers stay as they are.
 */
export function placeOn(
  ledgers: readonly Ledger[],
  request: PlacementRequest,
  policy: Policy = DEFAULT_POLICY,
): PlaceResult {
  return placeAmong(
    { ledgers, outlook: outlookOf(ledgers, policy), ...relationsFor(ledgers, request) },
    request,
  );
}

/** Hosts to choose from, and what there is to say about them. */
export interface Choice {
  readonly ledgers: readonly Ledger[];
  readonly outlook: Outlook;
  /** Between the VMs of the ledgers; absent where the request does not mind them, nor they it. */
  readonly relations?: Relations;
}

/** The same where the relations between the VMs are known already. */
export function placeAmong(choice: Choice, request: PlacementRequest): PlaceResult {
  const { ledgers } = choice;
  const likenesses = new Likenesses();
  const refusing = new LikeRefusals(likenesses, request);
  const verdicts = ledgers.map((ledger, index) => {
    const own = refusing.verdict(ledger, () => new Room(ledger, choice.outlook));
    return { host: ledger.host.name, verdict: amongOthers(own, { choice, index, request }) };
  });
  const [best, second] = verdicts
    .flatMap(({ host, verdict }) => (verdict.ok ? [{ host, ...verdict }] : []))
    .toSorted((a, b) => b.score.total - a.score.total);
  if (best !== undefined) {
    const runnerUp =
      second === undefined ? {} : { runnerUp: { host: second.host, score: second.score } };
    return { ok: true, placement: best.write(), score: best.score, ...runnerUp };
  }
  const refusals = verdicts.flatMap(({ verdict }) => (verdict.ok ? [] : [verdict.refusal]));
  return {
    ok: false,
    refusals,
    summary: summaryOf(request.name, refusals),
    smallestChange: smallestChanges(new BooksWorld(choice, likenesses), request),
  };
}

/** What the host at that index says by itself, and the VMs everywhere to it. */
function amongOthers(
  own: HostVerdict,
  where: {
    readonly choice: Choice;
    readonly index: number;
    readonly request: PlacementRequest;
  },
): HostVerdict {
  const { choice, index, request } = where;
  const { ledgers, relations } = choice;
  if (relations === undefined) return own;
  const { broken, wishes } = relations.verdict(index, request);
  if (own.ok && broken.length === 0) return { ...own, score: withWishes(own.score, wishes) };
  const checks = own.ok ? broken : [...broken, ...own.refusal.checks];
  const { host } = present(ledgers[index], `ledger at ${index}`);
  return { ok: false, refusal: { host: host.name, checks } };
}

/** The best host by looking at every one, without reasons where there is none. */
export function findOn(
  ledgers: readonly Ledger[],
  request: PlacementRequest,
  policy: Policy = DEFAULT_POLICY,
): Found | undefined {
  return findAmong(
    { ledgers, outlook: outlookOf(ledgers, policy), ...relationsFor(ledgers, request) },
    request,
  );
}

/**
 * The same where the relations between the VMs are known already.
 * @param among indexes of the hosts to look at, ascending; every one when absent.
 */
export function findAmong(
  { ledgers, outlook, relations }: Choice,
  request: PlacementRequest,
  among: Iterable<number> = ledgers.keys(),
): Found | undefined {
  let best: Found | undefined;
  for (const index of among) {
    const ledger = present(ledgers[index], `ledger at ${index}`);
    if (!mayUse(ledger.host, request)) continue;
    if (relations?.allows(index, request) === false) continue;
    const verdict = placeOnHost(ledger, request, new Room(ledger, outlook));
    if (!verdict.ok) continue;
    const score = withWishes(verdict.score, relations?.wish(index, request));
    if (best !== undefined && score.total <= best.score.total) continue;
    best = { host: ledger.host.name, score, write: verdict.write };
  }
  return best;
}

/** Relations are only worth making for a request that has rules, or labels that others may mind. */
function relationsFor(
  ledgers: readonly Ledger[],
  { labels, affinity, antiAffinity, spread }: PlacementRequest,
): { readonly relations?: Relations } {
  const minds = [labels, affinity, antiAffinity, spread].some((rules) => rules !== undefined);
  return minds ? { relations: relationsOf(ledgers) } : {};
}
