import type { HostSnapshot } from '../../model/host.ts';
import { seatOf } from '../../model/host.ts';
import { Fleet } from '../fleet/fleet.ts';
import type { PlacementRequest } from '../request.ts';
import { takerOf } from '../request.ts';

/** Nobody needs to know of more. */
export const FORECAST_MAX = 1_000_000;

/** The hosts of a fleet with the seats that they have now. */
export function standing(fleet: Fleet): readonly HostSnapshot[] {
  return fleet.ledgers.map(({ host, seats }) => ({ ...host, seats: [...seats.values()] }));
}

/**
 * Places VMs of one kind on a copy of a fleet until none fits, or FORECAST_MAX are placed: yields
 * how many, one by one.
 */
export function* fillUp(
  fleet: Fleet,
  request: PlacementRequest,
): Generator<number, void, undefined> {
  const scratch = new Fleet(standing(fleet), fleet.policy);
  for (let placed = 1; placed <= FORECAST_MAX; placed++) {
    const found = scratch.find(request);
    if (found === undefined) return;
    const taker = takerOf(request, `forecast-${placed}`);
    scratch.enter(found.host, seatOf({ ...taker, running: true }, found.write('brief')));
    yield placed;
  }
}
