import { present } from '../../base/assert.ts';
import type { HostShape } from '../host-shape.ts';
import type { Ledger } from '../ledger.ts';
import { isPlain } from '../request.ts';
import type { PlacementRequest } from '../request.ts';
import type { FleetRooms } from './fleet-rooms.ts';
import { foresee } from './foresee.ts';
import type { GuestPlan } from './guest-plan.ts';
import { guestPlan } from './guest-plan.ts';
import { NO_SCORE, ScoreTree } from './score-tree.ts';

/** What a ranking looks at. */
export interface RankedHosts {
  readonly ledgers: readonly Ledger[];
  readonly rooms: FleetRooms;
}

/** The hosts of a fleet ranked for one kind of request, kept up to date as they change. */
export class Ranking {
  readonly tree: ScoreTree;
  readonly #hosts: RankedHosts;
  readonly #request: PlacementRequest;
  readonly #plans = new Map<HostShape, Map<string, GuestPlan | undefined>>();
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
    this.tree.set(host, this.#bound(host), false);
  }

  #bound(host: number): number {
    if (!isPlain(this.#request)) return MOST;
    const ledger = present(this.#hosts.ledgers[host], 'the ledger of a host');
    const plan = this.#planFor(ledger);
    if (plan === undefined) return NO_SCORE;
    const room = this.#hosts.rooms.at(host);
    const score = foresee({ ledger, room }, this.#request, plan);
    return score === NO_SCORE || isForeseeable(ledger, this.#request) ? score : MOST;
  }

  /** Hosts of one shape and one policy need one plan. */
  #planFor(ledger: Ledger): GuestPlan | undefined {
    const { overhead, boundRatio, ramCounts } = ledger.host.policy;
    const plans = this.#plans.get(ledger.shape) ?? new Map<string, GuestPlan | undefined>();
    this.#plans.set(ledger.shape, plans);
    const key = `${overhead} ${boundRatio} ${ramCounts}`;
    if (!plans.has(key)) plans.set(key, guestPlan(ledger, this.#request));
    return plans.get(key);
  }
}

/** Which cores of uneven ones dedicated vCPUs get, counts do not tell. */
function isForeseeable({ shape }: Ledger, { policy }: PlacementRequest): boolean {
  return policy === 'shared' || shape.cells.every((cell) => cell.isEven);
}

/** No score is more. */
const MOST = 1;
