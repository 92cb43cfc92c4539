import { present } from '../../base/assert.ts';
import type { Ledger } from '../ledger.ts';
import { isPlain } from '../request.ts';
import type { PlacementRequest } from '../request.ts';
import type { Room } from '../room/room.ts';
import { HOST } from '../room/room-layout.ts';
import type { FleetRooms } from './fleet-rooms.ts';
import { foresee, glimpse } from './foresee.ts';
import type { GuestPlan } from './guest-plan.ts';
import { guestPlan } from './guest-plan.ts';
import { MOST, NO_SCORE, ScoreTree } from './score-tree.ts';

/** What a ranking looks at. */
interface RankedHosts {
  readonly ledgers: readonly Ledger[];
  readonly rooms: FleetRooms;
}

/**
 * The hosts of a fleet ranked for one kind of request, kept up to date as they change. A host that
 * changed is only glimpsed at; it is foreseen once it would be the best.
 */
export class Ranking {
  readonly #tree: ScoreTree;
  readonly #hosts: RankedHosts;
  readonly #request: PlacementRequest;
  /** By variety of hosts. */
  readonly #plans: ({ readonly plan: GuestPlan | undefined } | undefined)[] = [];
  /** 1 where a score is no mere glimpse. */
  readonly #foreseen: Uint8Array;
  /** How many changes of the fleet it knows. */
  seen: number;

  constructor(hosts: RankedHosts, request: PlacementRequest, seen: number) {
    this.#hosts = hosts;
    this.#request = request;
    this.seen = seen;
    this.#tree = new ScoreTree(hosts.ledgers.length);
    this.#foreseen = new Uint8Array(hosts.ledgers.length);
    this.#tree.fill((host) => this.#glimpse(host));
  }

  /** Looks at a host again. */
  update(host: number): void {
    this.#tree.set(host, this.#glimpse(host));
  }

  /** Keeps what placing on a host has found. */
  keep(host: number, score: number): void {
    this.#foreseen[host] = 1;
    this.#tree.set(host, score);
  }

  /** The score of a host as it is known, which is never less than what placing finds. */
  scoreAt(host: number): number {
    return this.#tree.scoreAt(host);
  }

  /** The host of the best score, of equals the first; undefined where none takes the guest. */
  best(): number | undefined {
    for (let host = this.#tree.best(); host !== undefined; host = this.#tree.best()) {
      if (this.#foreseen[host] === 1) return host;
      this.keep(host, this.#foresee(host));
    }
    return undefined;
  }

  /** Every host that may take the guest, best first; one that turns out worse comes again. */
  *ranked(): Generator<number, undefined> {
    for (const host of this.#tree.ranked()) {
      const before = this.#tree.scoreAt(host);
      if (this.#foreseen[host] === 0) this.keep(host, this.#foresee(host));
      if (this.#tree.scoreAt(host) === before) yield host;
    }
    return undefined;
  }

  #glimpse(host: number): number {
    const ledger = present(this.#hosts.ledgers[host], 'the ledger of a host');
    const plan = isPlain(this.#request) ? this.#planFor(ledger, host) : undefined;
    if (plan !== undefined) {
      const room = this.#hosts.rooms.at(host);
      const most = isForeseeable(ledger, room, this.#request)
        ? glimpse({ ledger, room }, plan)
        : undefined;
      this.#foreseen[host] = 0;
      if (most !== undefined) return most;
    }
    this.#foreseen[host] = 1;
    return this.#foresee(host);
  }

  #foresee(host: number): number {
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
