import type { Placement } from '../../model/placement.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { fitsHost } from '../place-on-host.ts';
import { placeAmong } from '../place.ts';
import type { Refused } from '../place.ts';
import { summaryOf } from '../explain.ts';
import type { PlacementRequest } from '../request.ts';
import type { Score } from '../score.ts';
import { GroupBooks } from './group-books.ts';
import type { Seated } from './group-books.ts';
import { JointSearch } from './joint-search.ts';
import type { SearchLimits, SearchResult } from './joint-search.ts';
import type { Member } from './member.ts';
import { membersOf } from './member.ts';
import { mend } from './mend.ts';

/** Every VM of the group fits. */
export interface GroupPlaced {
  readonly ok: true;
  /** In the order of the requests. */
  readonly placements: readonly { readonly placement: Placement; readonly score: Score }[];
}

/** Not all of them fit together, so that none is placed. */
export interface GroupRefused {
  readonly ok: false;
  /** Index of the request for which there was no place. */
  readonly failed: number;
  /** Those that had one meanwhile, by the index of their request, and where. */
  readonly placed: readonly { readonly request: number; readonly placement: Placement }[];
  /** Why the one that failed fits nowhere beside those. */
  readonly refused: Refused;
  /**
   * Whether there is no other way to place them; false where the search was broken off, or does not
   * try every way for some of them: such as name pCPUs, cells or PCI functions, or leave much open.
   */
  readonly proven: boolean;
}

export type GroupResult = GroupPlaced | GroupRefused;

/** Among more hosts the group is first placed one by one, and only where that fails jointly. */
const HOSTS_SEARCHED = 256;

const LIMITS: SearchLimits = { toFind: 6000, toImprove: 1000 };

/**
 * Places VMs all or none, with the highest sum of scores that is found. For a small group
 * of plain dedicated VMs a placement is found wherever there is one; where the search ends at its limits, placing one by one and moving
 * members out of each other's way is tried as well. Nothing is taken: the fleet is as before.
 */
export function placeGroup(fleet: Fleet, requests: readonly PlacementRequest[]): GroupResult {
  const books = new GroupBooks(fleet.choice);
  const members = membersOf(fleet.ledgers, requests);
  const isLarge = fleet.size > HOSTS_SEARCHED;
  const early = isLarge ? mend(books, members, fleet) : undefined;
  if (early !== undefined) return placed(early);
  const { hosts, all } = hostsToSearch(books, members);
  const result = searchJointly(books, members, hosts);
  if (result.best !== undefined) return placed(result.best);
  const proven = result.complete && all;
  const late = proven || isLarge ? undefined : mend(books, members, fleet);
  return late === undefined ? conclude(books, members, { result, proven }) : placed(late);
}

/**
 * First with each member in as few cells as it fits, which is best for its own; then, where that leaves
 * no room for all, cut further, as soon as all have a place.
 */
function searchJointly(
  books: GroupBooks,
  members: readonly Member[],
  hosts: readonly number[],
): SearchResult {
  const search = { books, members, hosts };
  const result = new JointSearch({ ...search, limits: LIMITS, cuts: 'fewest' }).run();
  const isOpen = members.some(({ request }) => request.cells === 'auto');
  const toFind = LIMITS.toFind - result.asked;
  if (result.best !== undefined || result.complete || !isOpen || toFind <= 0) return result;
  const limits = { toFind, toImprove: 0 };
  const cut = new JointSearch({ ...search, limits, cuts: 'every' }).run();
  return cut.best === undefined ? { ...cut, deepest: result.deepest } : cut;
}

function placed(seated: readonly Seated[]): GroupPlaced {
  const inOrder = seated.toSorted((a, b) => a.member.index - b.member.index);
  return { ok: true, placements: inOrder.map(({ placement, score }) => ({ placement, score })) };
}

/** Every host; of many those that may be used, and only so many. */
function hostsToSearch(
  { ledgers }: GroupBooks,
  members: readonly Member[],
): { readonly hosts: readonly number[]; readonly all: boolean } {
  const kinds = new Map(members.map(({ kind, request }) => [kind, request]));
  const hosts: number[] = [];
  for (const [index, ledger] of ledgers.entries()) {
    if (ledgers.length > HOSTS_SEARCHED) {
      if (![...kinds.values()].some((request) => fitsHost(ledger, request))) continue;
      if (hosts.length === HOSTS_SEARCHED) return { hosts, all: false };
    }
    hosts.push(index);
  }
  return { hosts, all: true };
}

/** Says which member has no place beside the most that had one at once. */
function conclude(
  books: GroupBooks,
  members: readonly Member[],
  search: { readonly result: SearchResult; readonly proven: boolean },
): GroupResult {
  const seated = [...search.result.deepest];
  for (const each of seated) books.enter(each);
  try {
    for (const member of members.slice(seated.length)) {
      const refused = seatPlainly(books, seated, member);
      if (refused !== undefined) return refusal(member, { seated, refused, proven: search.proven });
    }
    const [unhappy] = books.broken(seated);
    if (unhappy === undefined) return placed(seated);
    const others = seated.filter((each) => each !== unhappy);
    const refused = brokenRules(books, unhappy);
    return refusal(unhappy.member, { seated: others, refused, proven: search.proven });
  } finally {
    for (const each of seated) books.leave(each);
  }
}

/** Seats a member where it is best. @returns why not */
function seatPlainly(books: GroupBooks, seated: Seated[], member: Member): Refused | undefined {
  const result = placeAmong(books.choice, member.meanwhile);
  if (!result.ok) return result;
  const { placement, score } = result;
  const host = books.indexOf(placement.host);
  const each = { member, host, placement, score };
  books.enter(each);
  seated.push(each);
  return undefined;
}

/** The rules of a seated member that the others break together. */
function brokenRules(books: GroupBooks, each: Seated): Refused {
  const { request } = each.member;
  books.leave(each);
  const { broken } = books.relations.verdict(each.host, request);
  books.enter(each);
  const refusals = [{ host: each.placement.host, checks: broken }];
  return { ok: false, refusals, summary: summaryOf(request.name, refusals), smallestChange: [] };
}

function refusal(
  { index }: Member,
  why: {
    readonly seated: readonly Seated[];
    readonly refused: Refused;
    readonly proven: boolean;
  },
): GroupRefused {
  const { seated, refused, proven } = why;
  const places = seated.map(({ member, placement }) => ({ request: member.index, placement }));
  return { ok: false, failed: index, placed: places, refused, proven };
}
