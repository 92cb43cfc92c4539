import type { Arrival } from '../../model/demand.ts';
import { seatOf } from '../../model/host.ts';
import type { Placement } from '../../model/placement.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { PlacementRequest } from '../request.ts';
import { ArrivalRequests, arrivalTaker } from './arrival-request.ts';
import { Departures } from './departures.ts';

/** A guest that had a seat. */
export interface Guest {
  readonly row: number;
  readonly arrival: Arrival;
  readonly host: string;
}

/** What came of one row: who left before it, and where its guest sits now. */
export interface Step {
  readonly row: number;
  readonly arrival: Arrival;
  readonly request: PlacementRequest;
  readonly left: readonly Guest[];
  /** Absent: refused. */
  readonly placement?: Placement;
  /** What the decision took, by the clock given: finding, writing down and entering. */
  readonly took: number;
}

interface Leaving extends Guest {
  readonly until: number;
}

/**
 * Asks a fleet for the guests of a trace, in the order of the rows; before each row everybody leaves
 * whose time has come. A guest that is refused is gone. Each step is made when it is asked for, and
 * the fleet stands as after that step.
 * @param clock tells the time in whatever unit; it changes nothing but `took`.
 */
export function* replay(
  fleet: Fleet,
  arrivals: readonly Arrival[],
  clock: () => number,
): Generator<Step, void, undefined> {
  const requests = new ArrivalRequests();
  const departures = new Departures<Leaving>();
  for (const [row, arrival] of arrivals.entries()) {
    const left = leave(fleet, departures, arrival.at);
    const request = requests.of(arrival);
    const begun = clock();
    const placement = fleet.find(request)?.write('brief');
    if (placement !== undefined) {
      fleet.enter(placement.host, seatOf(arrivalTaker(row, arrival), placement));
    }
    const step = { row, arrival, request, left, took: clock() - begun };
    if (placement === undefined) {
      yield step;
      continue;
    }
    const { until } = arrival;
    if (until !== undefined) departures.add({ row, arrival, host: placement.host, until });
    yield { ...step, placement };
  }
}

function leave(fleet: Fleet, departures: Departures<Leaving>, time: number): readonly Guest[] {
  const left: Guest[] = [];
  for (let next = departures.next(time); next !== undefined; next = departures.next(time)) {
    fleet.leave(`r${next.row}`);
    left.push(next);
  }
  return left;
}
