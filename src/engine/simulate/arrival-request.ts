import type { Arrival, Flavor } from '../../model/arrival.ts';
import { keptAway } from '../../model/relation.ts';
import type { SeatTaker } from '../../model/host.ts';
import { comingAt } from '../request.ts';
import type { PlacementRequest } from '../request.ts';
import type { LifetimeGuess } from './lifetime-guess.ts';

/** What guests of that kind ask of a host. */
export function flavorRequest(flavor: Flavor): PlacementRequest {
  const { name, vcpus, memoryBytes, policy, cells, pageKiB } = flavor;
  return {
    name,
    vcpus,
    policy,
    threads: 'prefer',
    emulator: 'share',
    memoryBytes,
    cells,
    ...(pageKiB === undefined ? {} : { pageKiB }),
    hosts: [],
  };
}

/** Makes the requests of a trace; guests that ask for the same share theirs. */
export class ArrivalRequests {
  readonly #known = new Map<Flavor, PlacementRequest>();
  readonly #guess: LifetimeGuess | undefined;

  /** @param guess tells lifetimes where the trace does not. */
  constructor(guess?: LifetimeGuess) {
    this.#guess = guess;
  }

  of({ at, flavor, labels, rules }: Arrival): PlacementRequest {
    const known = this.#known.get(flavor) ?? flavorRequest(flavor);
    this.#known.set(flavor, known);
    const guess = rules?.expectedLifetimeMs === undefined ? this.#guess?.of(flavor, at) : undefined;
    if (labels === undefined && rules === undefined && guess === undefined) return known;
    const request = {
      ...known,
      ...(labels === undefined ? {} : { labels }),
      ...rules,
      ...(guess === undefined ? {} : { expectedLifetimeMs: guess * 1000 }),
    };
    return comingAt(request, at * 1000);
  }
}

/** The guest of a row as the one who takes a seat; `r17` is its name and its uuid. */
export function arrivalTaker(row: number, request: PlacementRequest): SeatTaker {
  const { labels, expectedEnd } = request;
  const keepsAway = keptAway(request);
  return {
    name: `r${row}`,
    uuid: `r${row}`,
    running: true,
    ...(labels === undefined ? {} : { labels }),
    ...(keepsAway.length === 0 ? {} : { keepsAway }),
    ...(expectedEnd === undefined ? {} : { expectedEnd }),
  };
}
