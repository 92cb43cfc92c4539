import { present } from '../../base/assert.ts';
import type { Seat } from '../../model/host.ts';
import type { Ledger } from '../ledger.ts';
import { applySeat, releaseSeat } from '../ledger.ts';
import type { Choice, Found } from '../place.ts';
import { findAmong } from '../place.ts';
import { fitsHost } from '../place-on-host.ts';
import type { Relations } from '../relations/relations.ts';
import { relationsOf } from '../relations/relations.ts';
import type { PlacementRequest } from '../request.ts';
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
        (!concerned || relations.allows(index, request)) && fitsHost(ledger, request),
    );
  }

  find(request: PlacementRequest): Found | undefined {
    return findAmong({ ...this.#choice, relations: this.#related() }, request);
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
