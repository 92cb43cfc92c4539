import type { LabHostInfo, LabInfo } from '../lab/fleet/lab-info.ts';
import { machineFigures } from './machine-figures.ts';
import type { MachineFigures } from './machine-figures.ts';

/** What adding a host to the server came to. */
export type Joined = 'added' | 'there already';

/** A host of a lab in JSON: all that is known of it, the machine as figures. */
export type LabHostView = Omit<LabHostInfo, 'topology'> &
  MachineFigures & { readonly network: string; readonly server?: Joined };

/** The hosts of labs as one list; `joined` tells of each by name what adding it came to. */
export function labHostViews(
  labs: readonly LabInfo[],
  joined: ReadonlyMap<string, Joined> = new Map(),
): readonly LabHostView[] {
  return labs.flatMap(({ hosts, network }) =>
    hosts.map(({ topology, ...host }) => {
      const server = joined.get(host.name);
      const figures = machineFigures(topology);
      return { ...host, network, ...figures, ...(server === undefined ? {} : { server }) };
    }),
  );
}
