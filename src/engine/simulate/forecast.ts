import { seatOf } from '../../model/host.ts';
import { Fleet } from '../fleet/fleet.ts';
import type { PlacementRequest } from '../request.ts';
import { takerOf } from '../request.ts';

/** Nobody needs to know of more. */
export const FORECAST_MAX = 1_000_000;

/**
 * Places VMs of one kind on a copy of a fleet until none fits, or FORECAST_MAX are placed: yields
 * how many, one by one.
 */
export function* fillUp(
  fleet: Fleet,
  request: PlacementRequest,
): Generator<number, void, undefined> {
  const scratch = copyOf(fleet);
  for (let placed = 1; placed <= FORECAST_MAX; placed++) {
    const found = scratch.find(request);
    if (found === undefined) return;
    const taker = takerOf(request, `forecast-${placed}`);
    scratch.enter(found.host, seatOf(taker, found.write('brief')));
    yield placed;
  }
}

/**
 * The same books, opened anew. What a host was seen to have free was seen with the seats that it had
 * then: so the copy begins with these, and who has left since leaves, and who has come comes.
 */
function copyOf(fleet: Fleet): Fleet {
  const hosts = fleet.ledgers.map(({ host }) => host);
  const copy = new Fleet(hosts, fleet.policy);
  const changed = fleet.ledgers.map(({ host, seats }) => {
    const seen = copy.ledger(host.name).seats;
    return {
      host: host.name,
      gone: [...seen.values()].filter((seat) => seats.get(seat.uuid) !== seat),
      fresh: [...seats.values()].filter((seat) => seen.get(seat.uuid) !== seat),
    };
  });
  for (const { gone } of changed) for (const { uuid } of gone) copy.leave(uuid);
  for (const { host, fresh } of changed) for (const seat of fresh) copy.enter(host, seat);
  return copy;
}
