import type { RawTopology } from './raw-topology.ts';

/** What virNodeGetInfo counts of a machine. */
export interface NodeCounts {
  /** Online CPUs. */
  readonly cpus: number;
  readonly memoryBytes: number;
}

/**
 * A machine of which nobody tells a cell, as the kernel has it without NUMA: one cell with all there
 * is. libvirt counts the CPUs and names none, so they have the first numbers; the figures for sockets
 * and cores beside the count are wrong for uneven machines, and are left alone.
 */
export function oneCell({ cpus, memoryBytes }: NodeCounts): RawTopology {
  const ids = Array.from({ length: cpus }, (_, id) => id);
  const nothing = { socket: undefined, die: undefined, core: undefined, siblings: undefined };
  return {
    cells: [
      {
        id: 0,
        memoryBytes,
        freeBytes: undefined,
        pages: [],
        basePageKiB: undefined,
        distances: new Map([[0, 10]]),
        cpus: ids,
      },
    ],
    cpus: new Map(ids.map((id) => [id, nothing])),
    offline: [],
    l3: undefined,
  };
}
