import { parseWorkload } from '../../../src/api/workload-file.ts';
import { Fleet } from '../../../src/engine/fleet/fleet.ts';
import type { Policy } from '../../../src/engine/policy/policy.ts';
import { placementLine } from '../../../src/engine/simulate/placement-line.ts';
import { replay } from '../../../src/engine/simulate/replay.ts';
import type { PlainLine } from './plain-checker.ts';

/** What comes of a workload, as it would be written to a file and read again. */
export function linesOf(text: string, policy?: Policy): readonly PlainLine[] {
  const { hosts, arrivals } = parseWorkload(text, 'workload');
  const steps = [...replay(new Fleet(hosts, policy), arrivals, { clock: () => 0 })];
  return steps.flatMap(({ row, placement }): readonly PlainLine[] =>
    placement === undefined ? [] : [JSON.parse(JSON.stringify(placementLine(row, placement)))],
  );
}
