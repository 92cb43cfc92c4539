import type { Arrival, Flavor } from '../../model/demand.ts';
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
    if (rules?.expectedLifetimeMs === undefined) {
      const guessed = guessedLifetime(this.#guess?.of(flavor, at), at);
      if (labels === undefined && rules === undefined && guessed === undefined) return known;
      return { ...known, ...(labels === undefined ? {} : { labels }), ...rules, ...guessed };
    }
    const request = { ...known, ...(labels === undefined ? {} : { labels }), ...rules };
    return comingAt(request, at * 1000);
  }
}

/**
 * A guess is not worth more than its first digit: lifetimes become powers of two, and ends eighths
 * of them, so that guests which come close in time are of one kind, and searched for as such.
 */
function guessedLifetime(
  seconds: number | undefined,
  at: number,
): Pick<PlacementRequest, 'expectedEnd' | 'expectedLifetimeMs'> | undefined {
  if (seconds === undefined) return undefined;
  const expectedLifetimeMs = 1000 * 2 ** Math.round(Math.log2(Math.max(1, seconds)));
  const step = expectedLifetimeMs / 8;
  const expectedEnd = Math.ceil((at * 1000 + expectedLifetimeMs) / step) * step;
  return { expectedLifetimeMs, expectedEnd };
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
