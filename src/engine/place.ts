import { berthError } from '../base/errors.ts';
import type { HostSnapshot } from '../model/host.ts';
import type { Placement } from '../model/placement.ts';
import type { Change } from './change.ts';
import type { HostRefusal } from './refusal.ts';
import type { PlacementRequest } from './request.ts';
import type { Score } from './score.ts';

/** The VM fits: where it sits, and how good that is. */
export interface Placed {
  readonly ok: true;
  readonly placement: Placement;
  readonly score: Score;
  /** The second best host, where there is one. */
  readonly runnerUp?: { readonly host: string; readonly score: Score };
}

/** No host takes the VM: every host with every limit it broke. */
export interface Refused {
  readonly ok: false;
  /** One for each host, in the order given. */
  readonly refusals: readonly HostRefusal[];
  /** One line. */
  readonly summary: string;
  /** Changes with which it fits, the least painful first; empty when none alone helps. */
  readonly smallestChange: readonly Change[];
}

export type PlaceResult = Placed | Refused;

/** Finds the best place for one VM on the hosts given. */
export function place(hosts: readonly HostSnapshot[], request: PlacementRequest): PlaceResult {
  throw berthError('BERTH_UNSUPPORTED', {
    what: `placing ${request.name} on ${hosts.length} hosts`,
    why: 'the engine is being built',
  });
}
