import { present } from '../../base/assert.ts';
import { seatOf } from '../../model/host.ts';
import type { Placement } from '../../model/placement.ts';
import { applySeat, releaseSeat } from '../ledger.ts';
import type { Ledger } from '../ledger.ts';
import type { Choice } from '../place.ts';
import { placeOnHost } from '../place-on-host.ts';
import type { HostVerdict } from '../place-on-host.ts';
import { mayUse } from '../relations/host-rules.ts';
import type { Relations } from '../relations/relations.ts';
import { relationsOf } from '../relations/relations.ts';
import { withWishes } from '../relations/wishes.ts';
import { Room } from '../room/room.ts';
import type { PlacementRequest } from '../request.ts';
import { takerOf } from '../request.ts';
import type { Score } from '../score.ts';
import type { Member } from './member.ts';

/** A member on a host, on trial. */
export interface Seated {
  readonly member: Member;
  /** Index of the host. */
  readonly host: number;
  readonly placement: Placement;
  readonly score: Score;
}

/** Books in which members of a group are seated on trial; each leaves them as it met them. */
export class GroupBooks {
  readonly ledgers: readonly Ledger[];
  readonly relations: Relations;
  readonly #choice: Choice;
  readonly #indexes: ReadonlyMap<string, number>;

  constructor(choice: Choice) {
    this.ledgers = choice.ledgers;
    this.relations = choice.relations ?? relationsOf(choice.ledgers);
    this.#choice = choice;
    this.#indexes = new Map(choice.ledgers.map(({ host }, index) => [host.name, index]));
  }

  /** The same, to place a VM on plainly. */
  get choice(): Choice {
    return { ...this.#choice, relations: this.relations };
  }

  ledger(host: number): Ledger {
    return present(this.ledgers[host], `ledger at ${host}`);
  }

  /** Index of the host of that name. */
  indexOf(host: string): number {
    return present(this.#indexes.get(host), `host ${host}`);
  }

  /** Whether names, labels and the VMs that are there let the VM onto the host. */
  allows(host: number, request: PlacementRequest): boolean {
    return mayUse(this.ledger(host).host, request) && this.relations.allows(host, request);
  }

  /** What the host says to the VM, whoever is there. */
  ask(host: number, request: PlacementRequest): HostVerdict {
    const verdict = placeOnHost(
      this.ledger(host),
      request,
      new Room(this.ledger(host), this.#choice.outlook),
    );
    if (!verdict.ok) return verdict;
    return { ...verdict, score: withWishes(verdict.score, this.relations.wish(host, request)) };
  }

  /** Seats a member. */
  enter({ member, host, placement }: Seated): void {
    const seat = seatOf(takerOf(member.request, member.uuid), placement);
    applySeat(this.ledger(host), seat);
    this.relations.enter(host, seat);
  }

  /** Takes a member out again. */
  leave({ member, host }: Seated): void {
    const ledger = this.ledger(host);
    this.relations.leave(host, present(ledger.seats.get(member.uuid), member.request.name));
    releaseSeat(ledger, member.uuid);
  }

  /** Those of the seated whose rules are broken, now that all are there. */
  broken(seated: readonly Seated[]): readonly Seated[] {
    return seated.filter((each) => {
      this.leave(each);
      const isAllowed = this.relations.allows(each.host, each.member.request);
      this.enter(each);
      return !isAllowed;
    });
  }
}
