import { coreKey, onlineCpus, type Cpu, type HostTopology } from '../../src/model/topology.ts';

/** What two readings of one machine are compared by. */
export type Aspect =
  | 'cpus'
  | 'offline'
  | 'distances'
  | 'sockets'
  | 'dies'
  | 'cores'
  | 'l3'
  | 'cells'
  | 'cell memory'
  | 'page pools';

/** Where hwloc reads a machine otherwise, and why that is right for hwloc and not for Berth. */
export const HWLOC_DIFFERENCES: Readonly<Record<string, Partial<Record<Aspect, string>>>> = {
  '64amd64-4s2n4ca2co': {
    cores:
      'the kernel and libvirt call both halves of a Bulldozer module siblings; hwloc splits them',
  },
  nvidiagpunumanodes: {
    distances: 'hwloc leaves out the cells of GPU memory unless told to keep them',
    cells: 'as above',
    'cell memory': 'as above',
    'page pools': 'as above',
  },
};

/** A machine as lists that are equal when the machines are, whatever their sockets and cores are called. */
export function aspectsOf(topology: HostTopology): Readonly<Record<Aspect, readonly string[]>> {
  const cpus = onlineCpus(topology);
  return {
    cpus: [listed(cpus.map((cpu) => cpu.id))],
    offline: [listed(topology.offlineCpus)],
    distances: topology.cells.map((cell) => cell.distances.join()),
    sockets: partition(cpus, (cpu) => `${cpu.socket}`),
    dies: partition(cpus, (cpu) => `${cpu.socket} ${cpu.die}`),
    cores: partition(cpus, coreKey),
    l3: partition(
      cpus.filter((cpu) => cpu.l3 !== undefined),
      (cpu) => `${cpu.l3}`,
    ),
    cells: topology.cells.map(({ id, cpus }) => `${id}: ${listed(cpus.map((cpu) => cpu.id))}`),
    'cell memory': topology.cells.map((cell) => `${cell.id}: ${cell.memoryBytes}`),
    'page pools': topology.cells.flatMap(({ id, pages }) =>
      pages
        .filter(({ sizeKiB }) => sizeKiB > 64)
        .map(({ sizeKiB, total }) => `${id}: ${total} of ${sizeKiB} KiB`),
    ),
  };
}

/** The aspects in which two readings differ. */
export function differingAspects(one: HostTopology, other: HostTopology): readonly string[] {
  const others: Readonly<Record<string, readonly string[]>> = aspectsOf(other);
  return Object.entries(aspectsOf(one))
    .filter(([aspect, listed]) => listed.join('; ') !== others[aspect]?.join('; '))
    .map(([aspect]) => aspect);
}

function partition(cpus: readonly Cpu[], key: (cpu: Cpu) => string): readonly string[] {
  const groups = Map.groupBy(cpus, key).values();
  return Array.from(groups, (group) => listed(group.map((cpu) => cpu.id))).toSorted();
}

function listed(ids: readonly number[]): string {
  return ids.toSorted((a, b) => a - b).join();
}
