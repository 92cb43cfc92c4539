import type { Workload } from '../../src/api/workload-file.ts';
import { Fleet } from '../../src/engine/fleet/fleet.ts';
import type { Policy } from '../../src/engine/policy/policy.ts';
import { looksAhead } from '../../src/engine/policy/policy.ts';
import type { Figures } from '../../src/engine/simulate/figures.ts';
import { replay } from '../../src/engine/simulate/replay.ts';
import { Tally } from '../../src/engine/simulate/tally.ts';

/** What comes of a workload with a policy, as `berth simulate` counts. */
export function replayed({ hosts, arrivals }: Workload, policy: Policy): Figures {
  const fleet = new Fleet(hosts, policy);
  const tally = new Tally(fleet);
  const clock = (): number => performance.now();
  const lifetimes = looksAhead(policy) ? 'history' : 'none';
  for (const step of replay(fleet, arrivals, { clock, lifetimes })) tally.add(step);
  return tally.figures();
}
