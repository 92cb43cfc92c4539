import { ORDINARY_PAGE_KIB } from './placement.ts';
import type { HostPolicy, HostSnapshot, Seat } from './host.ts';
import type { HostTopology } from './topology.ts';
import { topologyProblems } from './topology.ts';

/** Something wrong, and the key where it stands, such as `seats[2].dedicated`. */
export interface SnapshotProblem {
  readonly where: string;
  readonly problem: string;
}

/**
 * What is wrong with a snapshot that came from a file: a machine that cannot be, a policy or seats
 * that name what the machine does not have, a pCPU dedicated twice. Empty when it is sound.
 */
export function snapshotProblems(snapshot: HostSnapshot): readonly SnapshotProblem[] {
  const topology = machineProblems(snapshot.topology);
  if (topology.length > 0) return topology;
  const known = namesOf(snapshot.topology);
  return [
    ...policyProblems(snapshot.policy, known),
    ...reserveProblems(snapshot),
    ...snapshot.seats.flatMap((seat, index) =>
      seatProblems(seat, known).map(({ where, problem }) => ({
        where: `seats[${index}].${where}`,
        problem: `${seat.vm}: ${problem}`,
      })),
    ),
    ...sharingProblems(snapshot.seats),
  ];
}

/** What can be named on a machine. */
interface Names {
  readonly cells: ReadonlySet<number>;
  readonly online: ReadonlySet<number>;
  readonly cpus: ReadonlySet<number>;
  readonly pci: ReadonlySet<string>;
  /** `cell size` of each pool. */
  readonly pools: ReadonlySet<string>;
  readonly sizes: ReadonlySet<number>;
}

function namesOf({ cells, offlineCpus, pciAnywhere }: HostTopology): Names {
  const cpus = cells.flatMap((cell) => cell.cpus);
  const pools = cells.flatMap((cell) => cell.pages.map(({ sizeKiB }) => ({ cell, sizeKiB })));
  const functions = [...cells.flatMap((cell) => cell.pci), ...pciAnywhere];
  return {
    cells: new Set(cells.map((cell) => cell.id)),
    online: new Set(cpus.filter((cpu) => cpu.online).map((cpu) => cpu.id)),
    cpus: new Set([...cpus.map((cpu) => cpu.id), ...offlineCpus]),
    pci: new Set(functions.map(({ address }) => address)),
    pools: new Set(pools.map(({ cell, sizeKiB }) => `${cell.id} ${sizeKiB}`)),
    sizes: new Set(pools.map(({ sizeKiB }) => sizeKiB)),
  };
}

function machineProblems(topology: HostTopology): readonly SnapshotProblem[] {
  const problems = [
    ...topologyProblems(topology),
    ...amountProblems(topology),
    ...siblingProblems(topology),
  ];
  return problems.map((problem) => ({ where: 'topology', problem }));
}

function amountProblems({ cells }: HostTopology): readonly string[] {
  return cells.flatMap((cell) => {
    const amounts = [
      ['memoryBytes', cell.memoryBytes],
      ['freeBytes', cell.freeBytes],
      ...cell.pages.flatMap((pool) => [
        [`total of its ${pool.sizeKiB} KiB pages`, pool.total] as const,
        [`free of its ${pool.sizeKiB} KiB pages`, pool.free] as const,
      ]),
      ...cell.distances.map((distance) => ['distance', distance] as const),
    ] as const;
    const sizes = cell.pages.map(({ sizeKiB }) => sizeKiB);
    return [
      ...amounts
        .filter(([, amount]) => !isCount(amount))
        .map(([name, amount]) => `cell ${cell.id}: ${name} is ${amount}, no whole number from 0`),
      ...sizes
        .filter((size, index) => !isCount(size) || size === 0 || sizes.indexOf(size) !== index)
        .map((size) => `cell ${cell.id}: a page size of ${size} KiB is impossible, or there twice`),
    ];
  });
}

/** Threads of one core say the same of each other. */
function siblingProblems({ cells }: HostTopology): readonly string[] {
  return cells.flatMap((cell) => {
    const online = new Map(cell.cpus.filter((cpu) => cpu.online).map((cpu) => [cpu.id, cpu]));
    return [...online.values()].flatMap((cpu) =>
      cpu.siblings
        .filter((id) => online.get(id)?.siblings.includes(cpu.id) !== true)
        .map((id) => `CPU ${cpu.id} of cell ${cell.id} names ${id} a sibling, and not the reverse`),
    );
  });
}

function policyProblems(policy: HostPolicy, known: Names): readonly SnapshotProblem[] {
  const ratios = [
    ['cpuRatio', policy.cpuRatio],
    ['ramRatio', policy.ramRatio],
    ['boundRatio', policy.boundRatio ?? 1],
  ] as const;
  const cpus = [
    ['reservedCpus', policy.reservedCpus],
    ['sharedCpus', policy.sharedCpus ?? []],
  ] as const;
  return [
    ...ratios
      .filter(([, ratio]) => !(Number.isFinite(ratio) && ratio > 0))
      .map(([key, ratio]) => ({ where: `policy.${key}`, problem: `${ratio} is not above 0` })),
    ...cpus.flatMap(([key, ids]) =>
      ids
        .filter((id) => !known.cpus.has(id))
        .slice(0, 1)
        .map((id) => ({ where: `policy.${key}`, problem: `the host has no CPU ${id}` })),
    ),
  ];
}

function reserveProblems({ topology, policy }: HostSnapshot): readonly SnapshotProblem[] {
  const { reservedBytes } = policy;
  const memory = topology.cells.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  if (reservedBytes <= memory) return [];
  const problem = `${reservedBytes} bytes are kept of a host that has ${memory}`;
  return [{ where: 'policy.reservedBytes', problem }];
}

function seatProblems(seat: Seat, known: Names): readonly SnapshotProblem[] {
  const floats = [seat.floating, ...(seat.floating.parts ?? [])];
  const over = floats.flatMap((part) => part.over ?? []);
  const parts = seat.floating.parts?.reduce((sum, part) => sum + part.vcpus, 0);
  return [
    ...missing('dedicated', seat.dedicated, { known: known.online, say: 'online pCPU' }),
    ...missing('floating', over, { known: known.cpus, say: 'pCPU' }),
    ...missing(
      'floating.follows',
      floats.flatMap((part) => part.follows ?? []),
      {
        known: known.cells,
        say: 'cell',
      },
    ),
    ...missing('pci', seat.pci ?? [], { known: known.pci, say: 'PCI function' }),
    ...(parts === undefined || parts === seat.floating.vcpus
      ? []
      : [
          { where: 'floating.parts', problem: `${parts} vCPUs in parts of ${seat.floating.vcpus}` },
        ]),
    ...seat.memory.flatMap(({ cell, pageKiB }, index) => {
      const where = `memory[${index}]`;
      if (cell !== undefined && !known.cells.has(cell)) {
        return [{ where: `${where}.cell`, problem: `the host has no cell ${cell}` }];
      }
      const there =
        cell === undefined ? known.sizes.has(pageKiB) : known.pools.has(`${cell} ${pageKiB}`);
      // Ordinary pages are written as 4 KiB, whatever the host's are.
      return there || pageKiB === ORDINARY_PAGE_KIB
        ? []
        : [{ where: `${where}.pageKiB`, problem: `there are no pages of ${pageKiB} KiB there` }];
    }),
  ];
}

/** The first of those that the host does not have. */
function missing<T>(
  where: string,
  ids: readonly T[],
  there: { readonly known: ReadonlySet<T>; readonly say: string },
): readonly SnapshotProblem[] {
  return ids
    .filter((id) => !there.known.has(id))
    .slice(0, 1)
    .map((id) => ({ where, problem: `the host has no ${there.say} ${String(id)}` }));
}

function sharingProblems(seats: readonly Seat[]): readonly SnapshotProblem[] {
  const owners = new Map<number | string, string>();
  return seats.flatMap(({ vm, dedicated, pci = [] }, index) => {
    const problems: SnapshotProblem[] = [];
    for (const thing of [...dedicated, ...pci]) {
      const owner = owners.get(thing);
      const noun = typeof thing === 'number' ? 'pCPU' : 'PCI function';
      const where = `seats[${index}].${typeof thing === 'number' ? 'dedicated' : 'pci'}`;
      if (owner !== undefined) {
        problems.push({ where, problem: `${noun} ${thing} is given to ${owner} and to ${vm}` });
      }
      owners.set(thing, vm);
    }
    return problems;
  });
}

function isCount(amount: number): boolean {
  return Number.isSafeInteger(amount) && amount >= 0;
}
