import type { Seat } from '../../model/host.ts';
import type { AffinityRule } from '../../model/relation.ts';
import { labelPairs } from '../../model/relation.ts';
import { requestOfSeat } from './seat-request.ts';
import type { World } from './world.ts';

/** VMs that must be near others: these cannot simply go. */
export class Company {
  readonly #world: World;
  readonly #attached: readonly Seat[];

  constructor(world: World) {
    this.#world = world;
    const seats = world.ledgers.flatMap((ledger) => [...ledger.seats.values()]);
    this.#attached = seats.filter(({ asks }) => asks?.affinity?.some(({ hard }) => hard) === true);
  }

  /** Whether every VM that must be near the one that moved still may be where it is. */
  isKept(moved: Seat): boolean {
    const pairs = labelPairs(moved.labels);
    return this.#attached
      .filter(({ uuid, asks }) => uuid !== moved.uuid && needs(asks?.affinity, pairs))
      .every((seat) => this.#mayStay(seat.uuid));
  }

  #mayStay(uuid: string): boolean {
    const ledger = this.#world.ledgers.find(({ seats }) => seats.has(uuid));
    const seat = ledger?.seats.get(uuid);
    if (ledger === undefined || seat === undefined) return true;
    const request = requestOfSeat(ledger, seat);
    if (request === undefined) return false;
    this.#world.leave(uuid);
    const stays = this.#world.fits({ ...request, hosts: [ledger.host.name] });
    this.#world.enter(ledger.host.name, seat);
    return stays;
  }
}

/** Whether a rule that must hold looks for one of those labels. */
function needs(rules: readonly AffinityRule[] | undefined, pairs: readonly string[]): boolean {
  return rules?.some(({ hard, selector }) => hard && pairs.includes(selector)) === true;
}
