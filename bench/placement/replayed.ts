import type { Workload } from '../../src/api/workload-file.ts';
import { Fleet } from '../../src/engine/fleet/fleet.ts';
import type { Policy } from '../../src/engine/policy/policy.ts';
import { looksAhead } from '../../src/engine/policy/policy.ts';
import type { Figures } from '../../src/engine/simulate/figures.ts';
import { replay } from '../../src/engine/simulate/replay.ts';
import { Tally } from '../../src/engine/simulate/tally.ts';

/** What came of a replay, as `berth simulate` counts, and one figure more. */
export interface Replayed extends Figures {
  /**
   * Mean number of hosts with a guest, over the requests after the first hour, in which workloads
   * fill up; null where none comes so late. Peers' figures are counted so, too.
   */
  readonly hostsAfterAnHour: number | null;
}

/** Names of the columns in which a table shows it. */
export const REPLAYED_COLUMNS = [
  'first refusal',
  'refused',
  'refused vCPUs, %',
  'hosts in use',
  'decisions per s',
  'p99 µs',
];

const HOUR_S = 3600;

/** What comes of a workload with a policy. */
export function replayed({ hosts, arrivals }: Workload, policy: Policy): Replayed {
  const fleet = new Fleet(hosts, policy);
  const tally = new Tally(fleet);
  const clock = (): number => performance.now();
  const lifetimes = looksAhead(policy) ? 'history' : 'none';
  for (const step of replay(fleet, arrivals, { clock, lifetimes })) tally.add(step);
  const { at, hostsUsed } = tally.history;
  const later = hostsUsed.filter((_, row) => (at[row] ?? 0) >= HOUR_S);
  const sum = later.reduce((all, used) => all + used, 0);
  return { ...tally.figures(), hostsAfterAnHour: later.length === 0 ? null : sum / later.length };
}
