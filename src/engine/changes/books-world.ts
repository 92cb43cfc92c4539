import { present } from '../../base/assert.ts';
import type { Seat } from '../../model/host.ts';
import type { Ledger } from '../ledger.ts';
import { applySeat, releaseSeat } from '../ledger.ts';
import type { Choice, Found } from '../place.ts';
import { fitsHost, placeOnHost } from '../place-on-host.ts';
import { mayUse } from '../relations/host-rules.ts';
import type { Relations } from '../relations/relations.ts';
import { relationsOf } from '../relations/relations.ts';
import { withWishes } from '../relations/wishes.ts';
import type { PlacementRequest } from '../request.ts';
import { Room } from '../room/room.ts';
import { couldTake } from './could-take.ts';
import type { World } from './world.ts';

/** Books that are open, looked at one by one. */
export class BooksWorld implements World {
  readonly ledgers: readonly Ledger[];
  readonly looks: number;
  readonly #choice: Choice;
  #relations: Relations | undefined;

  constructor(choice: Choice) {
    this.ledgers = choice.ledgers;
    this.looks = choice.ledgers.length;
    this.#choice = choice;
  }

  fits(request: PlacementRequest): boolean {
    const relations = this.#related();
    const concerned = relations.concerns(request);
    return this.ledgers.some(
      (ledger, index) =>
        couldTake(ledger, request) &&
        (!concerned || relations.allows(index, request)) &&
        fitsHost(ledger, request),
    );
  }

  /** The best of the first hosts that take it: where many do, the best of all is not worth the time. */
  find(request: PlacementRequest): Found | undefined {
    const relations = this.#related();
    let best: Found | undefined;
    let found = 0;
    for (const [index, ledger] of this.ledgers.entries()) {
      if (!couldTake(ledger, request) || !mayUse(ledger.host, request)) continue;
      if (!relations.allows(index, request)) continue;
      const verdict = placeOnHost(ledger, request, new Room(ledger, this.#choice.outlook));
      if (!verdict.ok) continue;
      const score = withWishes(verdict.score, relations.wish(index, request));
      if (best === undefined || score.total > best.score.total) {
        best = { host: ledger.host.name, score, write: verdict.write };
      }
      if (++found === FOUND_MAX) break;
    }
    return best;
  }

  enter(host: string, seat: Seat): void {
    const index = this.ledgers.findIndex((ledger) => ledger.host.name === host);
    applySeat(present(this.ledgers[index], `ledger of ${host}`), seat);
    this.#relations?.enter(index, seat);
  }

  leave(uuid: string): void {
    const index = this.ledgers.findIndex((ledger) => ledger.seats.has(uuid));
    const ledger = present(this.ledgers[index], `ledger with ${uuid}`);
    this.#relations?.leave(index, present(ledger.seats.get(uuid), uuid));
    releaseSeat(ledger, uuid);
  }

  /** Only made when the first question is asked. */
  #related(): Relations {
    this.#relations ??= relationsOf(this.ledgers);
    return this.#relations;
  }
}

/** Hosts that are compared where one is to be found. */
const FOUND_MAX = 16;
