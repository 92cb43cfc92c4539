import { GIB, KIB } from '../../src/base/units.ts';
import type { HostPolicy, HostSnapshot, Seat } from '../../src/model/host.ts';
import type { Cell, Cpu, HostTopology, PagePool, PciFunction } from '../../src/model/topology.ts';

/** A machine in a few numbers. Everything left out has the default that stands beside it. */
export interface SyntheticHost {
  /** h1 */
  readonly name?: string;
  /** 1 */
  readonly sockets?: number;
  /** 1 */
  readonly cellsPerSocket?: number;
  /** 4 */
  readonly coresPerCell?: number;
  /** 1 */
  readonly threads?: number;
  /** Cores of a cell that share an L3 cache; all of them. */
  readonly coresPerL3?: number;
  /**
   * How the kernel numbers CPUs. `split` (default): first every core's first thread, then every
   * core's second, as on most Intel machines. `adjacent`: the threads of a core follow each other.
   */
  readonly numbering?: 'split' | 'adjacent';
  /** Memory of each cell; 4 GiB. */
  readonly cellBytes?: number;
  /** Huge page pools of each cell; none. `free` is `total` unless given. */
  readonly pools?: readonly { readonly sizeKiB: number; readonly total: number; free?: number }[];
  /** Cells without CPUs after the others, each with that much memory; none. */
  readonly memoryOnly?: readonly number[];
  readonly offline?: readonly number[];
  /** PCI functions of each cell, one kind, two on a switch; none. */
  readonly pciPerCell?: readonly number[];
  /** Nothing reserved, 16 vCPUs per pCPU, memory not overcommitted. */
  readonly policy?: Partial<HostPolicy>;
  readonly seats?: readonly Seat[];
}

/** Builds a snapshot of a machine that does not exist. */
export function syntheticHost(shape: SyntheticHost = {}): HostSnapshot {
  const name = shape.name ?? 'h1';
  return {
    name,
    uri: `test:///${name}`,
    observedAt: 0,
    libvirtVersion: 9_000_000,
    domainTypes: ['kvm'],
    topology: syntheticTopology(shape),
    policy: { reservedCpus: [], reservedBytes: 0, cpuRatio: 16, ramRatio: 1, ...shape.policy },
    seats: shape.seats ?? [],
  };
}

/** A seat with nothing in it but what is given. */
export function syntheticSeat(vm: string, seat: Partial<Seat> = {}): Seat {
  return {
    vm,
    uuid: `uuid-${vm}`,
    managed: true,
    running: true,
    dedicated: [],
    floating: { vcpus: 0 },
    memory: [],
    overheadBytes: 0,
    ...seat,
  };
}

function syntheticTopology(shape: SyntheticHost): HostTopology {
  const sockets = shape.sockets ?? 1;
  const perSocket = shape.cellsPerSocket ?? 1;
  const withCpus = sockets * perSocket;
  const bytes = [
    ...Array.from({ length: withCpus }, () => shape.cellBytes ?? 4 * GIB),
    ...(shape.memoryOnly ?? []),
  ];
  const cells = bytes.map((memoryBytes, id): Cell => {
    const cpus = id < withCpus ? syntheticCpus(shape, id, withCpus, perSocket) : [];
    return {
      id,
      memoryBytes,
      freeBytes: memoryBytes,
      pages: pagesOf(memoryBytes, id < withCpus ? (shape.pools ?? []) : []),
      distances: bytes.map((_, other) => distance({ id, other, withCpus, perSocket })),
      cpus,
      pci: syntheticPci(id, shape.pciPerCell?.[id] ?? 0),
    };
  });
  return { arch: 'x86_64', cells, offlineCpus: [], pciAnywhere: [] };
}

/** A PCI function of the kind that synthetic hosts have. */
export const SYNTHETIC_PCI = { vendor: '0x8086', device: '0x1592' } as const;

function syntheticPci(cell: number, count: number): readonly PciFunction[] {
  return Array.from({ length: count }, (_, index) => ({
    address: `000${cell}:3b:00.${index}`,
    class: '0x020000',
    ...SYNTHETIC_PCI,
    switch: `000${cell}:3a:0${Math.floor(index / 2)}.0`,
  }));
}

function syntheticCpus(
  shape: SyntheticHost,
  cell: number,
  cells: number,
  perSocket: number,
): readonly Cpu[] {
  const cores = shape.coresPerCell ?? 4;
  const threads = shape.threads ?? 1;
  const perL3 = shape.coresPerL3 ?? cores;
  const idOf = (core: number, thread: number): number =>
    shape.numbering === 'adjacent' ? core * threads + thread : thread * cores * cells + core;
  const offline = new Set(shape.offline);
  return Array.from({ length: cores }, (_, index) => cell * cores + index)
    .flatMap((core) =>
      Array.from({ length: threads }, (_, thread): Cpu => {
        const id = idOf(core, thread);
        return {
          id,
          socket: Math.floor(cell / perSocket),
          die: 0,
          l3: cell * Math.ceil(cores / perL3) + Math.floor((core % cores) / perL3),
          core: core % (cores * perSocket),
          siblings: Array.from({ length: threads }, (_, sibling) => idOf(core, sibling))
            .filter((sibling) => !offline.has(sibling))
            .toSorted((a, b) => a - b),
          online: !offline.has(id),
        };
      }),
    )
    .toSorted((a, b) => a.id - b.id);
}

function pagesOf(
  memoryBytes: number,
  pools: NonNullable<SyntheticHost['pools']>,
): readonly PagePool[] {
  const huge = pools.reduce((sum, pool) => sum + pool.total * pool.sizeKiB * KIB, 0);
  const ordinary = Math.floor((memoryBytes - huge) / (4 * KIB));
  return [
    { sizeKiB: 4, total: ordinary, free: ordinary },
    ...pools.map(({ sizeKiB, total, free }) => ({ sizeKiB, total, free: free ?? total })),
  ];
}

function distance(where: {
  id: number;
  other: number;
  withCpus: number;
  perSocket: number;
}): number {
  const { id, other, withCpus, perSocket } = where;
  if (id === other) return 10;
  if (id >= withCpus || other >= withCpus) return 28;
  return Math.floor(id / perSocket) === Math.floor(other / perSocket) ? 12 : 21;
}
