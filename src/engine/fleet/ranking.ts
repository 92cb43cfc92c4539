import { present } from '../../base/assert.ts';
import type { Ledger } from '../ledger.ts';
import { isPlain } from '../request.ts';
import type { PlacementRequest } from '../request.ts';
import type { Room } from '../room/room.ts';
import { HOST } from '../room/room-layout.ts';
import type { FleetRooms } from './fleet-rooms.ts';
import { foresee } from './foresee.ts';
import type { GuestPlan } from './guest-plan.ts';
import { guestPlan } from './guest-plan.ts';
import { MOST, NO_SCORE, ScoreTree } from './score-tree.ts';

/** What a ranking looks at. */
interface RankedHosts {
  readonly ledgers: readonly Ledger[];
  readonly rooms: FleetRooms;
}

/** The hosts of a fleet ranked for one kind of request, kept up to date as they change. */
export class Ranking {
  readonly tree: ScoreTree;
  readonly #hosts: RankedHosts;
  readonly #request: PlacementRequest;
  /** By variety of hosts. */
  readonly #plans: ({ readonly plan: GuestPlan | undefined } | undefined)[] = [];
  /** How many changes of the fleet it knows. */
  seen: number;

  constructor(hosts: RankedHosts, request: PlacementRequest, seen: number) {
    this.#hosts = hosts;
    this.#request = request;
    this.seen = seen;
    this.tree = new ScoreTree(hosts.ledgers.length);
    this.tree.fill((host) => this.#bound(host));
  }

  /** Looks at a host again. */
  update(host: number): void {
    this.tree.set(host, this.#bound(host));
  }

  #bound(host: number): number {
    if (!isPlain(this.#request)) return MOST;
    const ledger = present(this.#hosts.ledgers[host], 'the ledger of a host');
    const plan = this.#planFor(ledger, host);
    if (plan === undefined) return NO_SCORE;
    const room = this.#hosts.rooms.at(host);
    const score = foresee({ ledger, room }, this.#request, plan);
    if (score === NO_SCORE || isForeseeable(ledger, room, this.#request)) return score;
    return MOST;
  }

  #planFor(ledger: Ledger, host: number): GuestPlan | undefined {
    const variety = this.#hosts.rooms.varietyOf(host);
    const known = this.#plans[variety];
    if (known !== undefined) return known.plan;
    const plan = guestPlan(ledger, this.#request);
    this.#plans[variety] = { plan };
    return plan;
  }
}

/**
 * Whether counts tell what placing finds: not which cores of uneven ones dedicated vCPUs get, nor
 * which pCPUs must stay for guests that are kept to odd ones, unless one cell is asked for, where
 * they can only promise too much.
 */
function isForeseeable({ shape }: Ledger, { row }: Room, request: PlacementRequest): boolean {
  if (row[HOST.odd] === 1 && request.cells !== 1) return false;
  return request.policy === 'shared' || shape.cells.every((cell) => cell.isEven);
}
