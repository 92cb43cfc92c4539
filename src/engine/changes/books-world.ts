import { present } from '../../base/assert.ts';
import type { Seat } from '../../model/host.ts';
import type { Ledger } from '../ledger.ts';
import { applySeat, releaseSeat } from '../ledger.ts';
import { Likenesses } from '../likeness.ts';
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

/** Books that are open, looked at one by one; of hosts with equal books that refuse, at one. */
export class BooksWorld implements World {
  readonly ledgers: readonly Ledger[];
  readonly likenesses: Likenesses;
  readonly #choice: Choice;
  #asked = 0;
  #relations: Relations | undefined;
  #indexes: ReadonlyMap<string, number> | undefined;

  /** @param likenesses what is known already of which hosts are alike. */
  constructor(choice: Choice, likenesses: Likenesses = new Likenesses()) {
    this.ledgers = choice.ledgers;
    this.likenesses = likenesses;
    this.#choice = choice;
    this.#relations = choice.relations;
  }

  get asked(): number {
    return this.#asked;
  }

  fits(request: PlacementRequest): boolean {
    const refused = new Set<string>();
    for (const [, ledger] of this.#candidates(request)) {
      const likeness = this.likenesses.ofMany(ledger);
      if (likeness !== undefined && refused.has(likeness)) continue;
      this.#asked++;
      if (fitsHost(ledger, request)) return true;
      if (likeness !== undefined) refused.add(likeness);
    }
    return false;
  }

  /** The best of the first hosts that take it: where many do, the best of all is not worth the time. */
  find(request: PlacementRequest): Found | undefined {
    const refused = new Set<string>();
    let best: Found | undefined;
    let found = 0;
    for (const [index, ledger] of this.#candidates(request)) {
      const likeness = this.likenesses.ofMany(ledger);
      if (likeness !== undefined && refused.has(likeness)) continue;
      this.#asked++;
      const verdict = placeOnHost(ledger, request, new Room(ledger, this.#choice.outlook));
      if (!verdict.ok) {
        if (likeness !== undefined) refused.add(likeness);
        continue;
      }
      const score = withWishes(verdict.score, this.#related().wish(index, request));
      if (best === undefined || score.total > best.score.total) {
        best = { host: ledger.host.name, score, write: verdict.write };
      }
      if (++found === FOUND_MAX) break;
    }
    return best;
  }

  enter(host: string, seat: Seat): Ledger {
    const { index, ledger } = this.#at(host);
    applySeat(ledger, seat);
    this.#relations?.enter(index, seat);
    this.likenesses.forget(ledger);
    return ledger;
  }

  leave(host: string, uuid: string): void {
    const { index, ledger } = this.#at(host);
    this.#relations?.leave(index, present(ledger.seats.get(uuid), uuid));
    releaseSeat(ledger, uuid);
    this.likenesses.forget(ledger);
  }

  /** Hosts that take the VM as far as sums, names and the VMs around say. */
  *#candidates(request: PlacementRequest): Generator<readonly [number, Ledger]> {
    const relations = this.#related();
    const concerned = relations.concerns(request);
    for (const [index, ledger] of this.ledgers.entries()) {
      if (!mayUse(ledger.host, request) || !couldTake(ledger, request)) continue;
      if (!concerned || relations.allows(index, request)) yield [index, ledger];
    }
  }

  #at(host: string): { readonly index: number; readonly ledger: Ledger } {
    this.#indexes ??= new Map(this.ledgers.map((ledger, index) => [ledger.host.name, index]));
    const index = present(this.#indexes.get(host), `host ${host}`);
    return { index, ledger: present(this.ledgers[index], `ledger of ${host}`) };
  }

  /** Only made when the first question is asked, where nobody has made them yet. */
  #related(): Relations {
    this.#relations ??= relationsOf(this.ledgers);
    return this.#relations;
  }
}

/** Hosts that are compared where one is to be found. */
const FOUND_MAX = 16;
