import { present } from '../../base/assert.ts';
import { seatOf } from '../../model/host.ts';
import type { Fleet } from '../fleet/fleet.ts';
import { takerOf } from '../request.ts';
import type { GroupBooks, Seated } from './group-books.ts';
import type { Member } from './member.ts';

/**
 * Places members one by one where each is best; one that fits nowhere may take the place of another
 * that fits elsewhere. Quick among any number of hosts, but it misses placements that need more.
 * @returns undefined where some member has no place, or rules are broken in the end.
 */
export function mend(
  books: GroupBooks,
  members: readonly Member[],
  fleet: Fleet,
): readonly Seated[] | undefined {
  const seated: Seated[] = [];
  const trial = { books, fleet, seated };
  try {
    for (const member of members) {
      if (!seat(trial, member) && !seatInstead(trial, member)) return undefined;
    }
    return books.broken(seated).length === 0 ? [...seated] : undefined;
  } finally {
    for (const { member } of seated) fleet.leave(member.uuid);
  }
}

/** Members on trial, in the order in which they were seated, and where. */
interface Trial {
  readonly books: GroupBooks;
  readonly fleet: Fleet;
  readonly seated: Seated[];
}

/** Seats a member where it is best, if it has a place. */
function seat(trial: Trial, member: Member): boolean {
  const { books, fleet, seated } = trial;
  const found = fleet.find(member.meanwhile);
  if (found === undefined) return false;
  const host = books.indexOf(found.host);
  const each = { member, host, placement: found.write(), score: found.score };
  enter(fleet, each);
  seated.push(each);
  return true;
}

/** Seats a member after another one has made room and found a place elsewhere. */
function seatInstead(trial: Trial, member: Member): boolean {
  const { fleet, seated } = trial;
  for (const other of seated.toReversed()) {
    fleet.leave(other.member.uuid);
    seated.splice(seated.indexOf(other), 1);
    if (seat(trial, member)) {
      if (seat(trial, other.member)) return true;
      fleet.leave(present(seated.pop(), 'the member just seated').member.uuid);
    }
    enter(fleet, other);
    seated.push(other);
  }
  return false;
}

/** Seats are only thought of: they say nothing of the guests to come. */
function enter(fleet: Fleet, { member, placement }: Seated): void {
  fleet.tryOut(placement.host, seatOf(takerOf(member.request, member.uuid), placement));
}
