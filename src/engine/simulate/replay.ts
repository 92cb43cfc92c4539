import type { Arrival } from '../../model/arrival.ts';
import { seatOf } from '../../model/host.ts';
import type { Placement } from '../../model/placement.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { PlacementRequest } from '../request.ts';
import { ArrivalRequests, arrivalTaker } from './arrival-request.ts';
import { Departures } from './departures.ts';
import { LifetimeGuess } from './lifetime-guess.ts';
import type { LifetimeSource } from './lifetime-guess.ts';

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

/** How a trace is replayed. */
export interface ReplayOptions {
  /** Tells the time in whatever unit; it changes nothing but `took`. */
  readonly clock: () => number;
  /** `history`: lifetimes that the trace does not tell are guessed from guests that have gone. */
  readonly lifetimes?: LifetimeSource;
}

interface Leaving extends Guest {
  readonly until: number;
}

/**
 * Asks a fleet for the guests of a trace, in the order of the rows; before each row everybody leaves
 * whose time has come. A guest that is refused is gone. Each step is made when it is asked for, and
 * the fleet stands as after that step.
 */
export function* replay(
  fleet: Fleet,
  arrivals: readonly Arrival[],
  { clock, lifetimes = 'none' }: ReplayOptions,
): Generator<Step, void, undefined> {
  const guess = lifetimes === 'history' ? new LifetimeGuess() : undefined;
  const requests = new ArrivalRequests(guess);
  const departures = new Departures<Leaving>();
  for (const [row, arrival] of arrivals.entries()) {
    const left = leave(fleet, departures, arrival.at);
    for (const gone of left) guess?.left(gone.arrival, gone.until);
    const request = requests.of(arrival);
    const begun = clock();
    const placement = fleet.find(request)?.write('brief');
    if (placement !== undefined) {
      fleet.enter(placement.host, seatOf(arrivalTaker(row, request), placement));
    }
    const step = { row, arrival, request, left, took: clock() - begun };
    if (placement === undefined) {
      yield step;
      continue;
    }
    guess?.came(arrival);
    const { until } = arrival;
    if (until !== undefined) departures.add({ row, arrival, host: placement.host, until });
    yield { ...step, placement };
  }
}

function leave(fleet: Fleet, departures: Departures<Leaving>, time: number): readonly Leaving[] {
  const left: Leaving[] = [];
  for (let next = departures.next(time); next !== undefined; next = departures.next(time)) {
    fleet.leave(`r${next.row}`);
    left.push(next);
  }
  return left;
}
