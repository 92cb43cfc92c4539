import type { Seat } from '../../model/host.ts';
import type { AffinityRule } from '../../model/relation.ts';
import { labelPairs } from '../../model/relation.ts';
import type { Ledger } from '../ledger.ts';
import { requestOfSeat } from './seat-request.ts';
import type { World } from './world.ts';

/** VMs that must be near others: these cannot simply go. */
export class Company {
  readonly #world: World;
  /** Those that must be near some VM, and where they are. */
  readonly #attached = new Map<string, { readonly seat: Seat; host: Ledger }>();

  constructor(world: World) {
    this.#world = world;
    for (const host of world.ledgers) {
      for (const seat of host.seats.values()) {
        if (seat.asks?.affinity?.some(({ hard }) => hard) === true) {
          this.#attached.set(seat.uuid, { seat, host });
        }
      }
    }
  }

  /** A VM was moved, or taken back. */
  moved(uuid: string, host: Ledger): void {
    const attached = this.#attached.get(uuid);
    if (attached !== undefined) attached.host = host;
  }

  /** Whether every VM that must be near the one that moved still may be where it is. */
  isKept(moved: Seat): boolean {
    const pairs = labelPairs(moved.labels);
    return [...this.#attached.values()]
      .filter(({ seat }) => seat.uuid !== moved.uuid && needs(seat.asks?.affinity, pairs))
      .every(({ seat, host }) => this.#mayStay(seat.uuid, host));
  }

  #mayStay(uuid: string, ledger: Ledger): boolean {
    const seat = ledger.seats.get(uuid);
    if (seat === undefined) return true;
    const request = requestOfSeat(ledger, seat);
    if (request === undefined) return false;
    const { name } = ledger.host;
    this.#world.leave(name, uuid);
    const stays = this.#world.fits({ ...request, hosts: [name] });
    this.#world.enter(name, seat);
    return stays;
  }
}

/** Whether a rule that must hold looks for one of those labels. */
function needs(rules: readonly AffinityRule[] | undefined, pairs: readonly string[]): boolean {
  return rules?.some(({ hard, selector }) => hard && pairs.includes(selector)) === true;
}
