import type { Workload } from '../../src/api/workload-file.ts';
import { present } from '../../src/base/assert.ts';
import type { Arrival, Flavor } from '../../src/model/arrival.ts';
import type { Random } from './random.ts';

/** What a workload is drawn from: the habits of one that was observed. */
export interface Habits {
  readonly hosts: Workload['hosts'];
  readonly flavors: readonly { readonly flavor: Flavor; readonly share: number }[];
  /** Guests that come in the first hour, evenly in the mean; 0 where nobody ever leaves. */
  readonly burst: number;
  /** Guests that come after the burst, or in all. */
  readonly later: number;
  /** Seconds between those, in the mean. */
  readonly gap: number;
  /** Seconds that a guest stays, in the mean; undefined: for ever. */
  readonly life: number | undefined;
}

/** How long a workload with departures fills up before its guests come evenly. */
const BURST_S = 3600;

/** Counts how often each flavor is asked for, how fast guests come, and how long they stay. */
export function habitsOf({ hosts, arrivals }: Workload): Habits {
  const counts = [...Map.groupBy(arrivals, ({ flavor }) => flavor)];
  const flavors = counts.map(([flavor, all]) => ({ flavor, share: all.length / arrivals.length }));
  const lives = arrivals.flatMap(({ at, until }) => (until === undefined ? [] : [until - at]));
  const end = arrivals.at(-1)?.at ?? 0;
  if (lives.length === 0) {
    const later = arrivals.length;
    return { hosts, flavors, burst: 0, later, gap: end / later, life: undefined };
  }
  const burst = arrivals.filter(({ at }) => at < BURST_S).length;
  const later = arrivals.length - burst;
  const life = lives.reduce((sum, each) => sum + each, 0) / lives.length;
  return { hosts, flavors, burst, later, gap: (end - BURST_S) / later, life };
}

/** The same guests, but so many times as many at once. */
export function busier(habits: Habits, times: number): Habits {
  const { burst, later, gap } = habits;
  return {
    ...habits,
    burst: Math.round(burst * times),
    later: Math.round(later * times),
    gap: gap / times,
  };
}

/** Draws a workload: flavors one independent of the other, Poisson arrivals, exponential lives. */
export function madeWorkload(habits: Habits, random: Random): Workload {
  const { hosts, burst, later, gap, life } = habits;
  const times: number[] = [];
  for (let guest = 0; guest < burst; guest++) times.push(random.next() * BURST_S);
  let at = burst === 0 ? 0 : BURST_S;
  for (let guest = 0; guest < later; guest++) {
    at += exponential(gap, random);
    times.push(at);
  }
  const arrivals = times
    .toSorted((a, b) => a - b)
    .map((at): Arrival => {
      const flavor = drawn(habits, random);
      return life === undefined
        ? { at, flavor }
        : { at, flavor, until: at + exponential(life, random) };
    });
  return { hosts, arrivals };
}

function exponential(mean: number, random: Random): number {
  return -mean * Math.log(1 - random.next());
}

function drawn({ flavors }: Habits, random: Random): Flavor {
  let left = random.next();
  for (const { flavor, share } of flavors) {
    left -= share;
    if (left < 0) return flavor;
  }
  return present(flavors.at(-1), 'a flavor').flavor;
}

/**
 * Requests before the first that cannot fit any more by sums alone, were the fleet one large cell;
 * undefined where guests leave or float, as then it bounds nothing.
 */
export function volumeBound({ hosts, arrivals }: Workload): number | undefined {
  const isKept = ({ until, flavor }: Arrival): boolean =>
    until === undefined && flavor.policy === 'dedicated';
  if (!arrivals.every(isKept)) return undefined;
  const cells = hosts.flatMap(({ topology }) => topology.cells);
  let cpus = cells.reduce((sum, cell) => sum + cell.cpus.length, 0);
  let bytes = cells.reduce((sum, cell) => sum + cell.memoryBytes, 0);
  const first = arrivals.findIndex(({ flavor }) => {
    cpus -= flavor.vcpus;
    bytes -= flavor.memoryBytes;
    return cpus < 0 || bytes < 0;
  });
  return first === -1 ? arrivals.length : first;
}
