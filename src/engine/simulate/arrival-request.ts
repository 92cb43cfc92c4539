import type { Arrival, Flavor } from '../../model/demand.ts';
import { keptAway } from '../../model/relation.ts';
import type { SeatTaker } from '../../model/host.ts';
import type { PlacementRequest } from '../request.ts';

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

  of({ flavor, labels, rules }: Arrival): PlacementRequest {
    const known = this.#known.get(flavor) ?? flavorRequest(flavor);
    this.#known.set(flavor, known);
    if (labels === undefined && rules === undefined) return known;
    return { ...known, ...(labels === undefined ? {} : { labels }), ...rules };
  }
}

/** The guest of a row as the one who takes a seat; `r17` is its name and its uuid. */
export function arrivalTaker(row: number, { at, labels, rules }: Arrival): SeatTaker {
  const keepsAway = keptAway(rules ?? {});
  const stays = rules?.expectedLifetimeMs;
  return {
    name: `r${row}`,
    uuid: `r${row}`,
    running: true,
    ...(labels === undefined ? {} : { labels }),
    ...(keepsAway.length === 0 ? {} : { keepsAway }),
    ...(stays === undefined ? {} : { expectedEnd: at * 1000 + stays }),
  };
}
