import type { Fleet } from '../../engine/fleet/fleet.ts';
import { FORECAST_MAX, fillUp } from '../../engine/simulate/forecast.ts';
import type { Session } from '../session.ts';
import { Breather } from './breather.ts';
import type { ForecastKind } from './forecast-request.ts';
import { ProgressBar } from './progress-bar.ts';

/** How many more VMs of a kind fit. */
export interface Forecast {
  readonly vm: string;
  readonly fits: number;
  /** False where it was not counted to the end: at least so many fit. */
  readonly exact: boolean;
}

/** Counts how many more VMs of that kind fit on the fleet; Ctrl-C ends the counting. */
export async function forecastOf(
  session: Session,
  fleet: Fleet,
  { vm, request }: ForecastKind,
): Promise<Forecast> {
  const breather = new Breather(session);
  const bar = new ProgressBar(session);
  let fits = 0;
  let stopped = false;
  for (const placed of fillUp(fleet, request)) {
    fits = placed;
    if (!breather.isDue) continue;
    bar.show(`forecast ${vm}`, { done: placed, total: FORECAST_MAX, note: 'placed' });
    await breather.breathe();
    stopped = breather.stopped;
    if (stopped) break;
  }
  bar.end();
  return { vm, fits, exact: !stopped && fits < FORECAST_MAX };
}
