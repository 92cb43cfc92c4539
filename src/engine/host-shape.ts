import { BitSet } from '../base/bit-set.ts';
import { present } from '../base/assert.ts';
import type { Cell, Cpu, HostTopology } from '../model/topology.ts';

/** One core: its online threads, ascending. */
export interface Core {
  readonly cpus: readonly number[];
  /** CPUs with the same number share a last-level cache; one per die of a cell where that is unknown. */
  readonly l3: string;
}

/** One cell of a host, as placement looks at it. `index` is its place in `HostShape.cells`. */
export interface CellShape {
  readonly id: number;
  readonly index: number;
  readonly cpus: BitSet;
  readonly cores: readonly Core[];
  /** Every core has as many threads as the host's largest. */
  readonly isEven: boolean;
  /** Memory in ordinary pages: what no huge page pool has taken away. */
  readonly ordinaryBytes: number;
}

/** What does not change on a host while guests come and go. */
export interface HostShape {
  readonly cells: readonly CellShape[];
  readonly online: BitSet;
  /** Threads of the largest core; 1 without SMT. */
  readonly threads: number;
  /** Threads of the smallest core. */
  readonly leastThreads: number;
  /** The core of each CPU, and which of its threads it is. */
  readonly threadOf: ReadonlyMap<number, { readonly core: Core; readonly thread: number }>;
  /** The size of ordinary pages. */
  readonly basePageKiB: number;
  /** Sizes of the huge pages that some cell has a pool of, ascending. */
  readonly hugeSizesKiB: readonly number[];
}

/** Derives the shape of a machine, once for each topology. Offline CPUs are no part of it. */
export function hostShape(topology: HostTopology): HostShape {
  const known = shapes.get(topology);
  if (known !== undefined) return known;
  const shape = derivedShape(topology);
  shapes.set(topology, shape);
  return shape;
}

const shapes = new WeakMap<HostTopology, HostShape>();

/**
 * Lets topologies that differ only in what is free, or in nothing that the shape is made of, have one
 * shape: a host that is looked at again, and hosts of one make. What is kept by shape then stays.
 */
export class ShapePool {
  readonly #known = new Map<string, HostShape>();

  /** From now on the topology has the shape of the first one like it. */
  share(topology: HostTopology): void {
    if (shapes.has(topology)) return;
    const key = JSON.stringify(
      topology.cells.map(({ id, memoryBytes, cpus, pages }) => [
        [id, memoryBytes, cpus],
        pages.map(({ sizeKiB, total }) => [sizeKiB, total]),
      ]),
    );
    const shape = this.#known.get(key) ?? derivedShape(topology);
    if (this.#known.size >= SHAPES_MAX) this.#known.clear();
    this.#known.set(key, shape);
    shapes.set(topology, shape);
  }
}

/** Kinds of machine that are known at once, before they are gathered anew. */
const SHAPES_MAX = 4096;

function derivedShape(topology: HostTopology): HostShape {
  const basePageKiB = Math.min(
    ...topology.cells.flatMap((cell) => cell.pages.map((pool) => pool.sizeKiB)),
    BASE_PAGE_KIB_MAX,
  );
  const shapes = topology.cells.map((cell, index) => cellShape(cell, index, basePageKiB));
  const threads = Math.max(1, ...shapes.flatMap(({ cores }) => cores.map(threadsOf)));
  const cells = shapes.map((cell) => ({
    ...cell,
    isEven: cell.cores.every((core) => threadsOf(core) === threads),
  }));
  return {
    cells,
    online: cells.reduce((all, cell) => all.or(cell.cpus), new BitSet()),
    threads,
    leastThreads: Math.min(threads, ...shapes.flatMap(({ cores }) => cores.map(threadsOf))),
    threadOf: new Map(
      cells.flatMap(({ cores }) =>
        cores.flatMap((core) => core.cpus.map((cpu, thread) => [cpu, { core, thread }] as const)),
      ),
    ),
    basePageKiB,
    hugeSizesKiB: [...new Set(hugeSizes(topology, basePageKiB))].toSorted((a, b) => a - b),
  };
}

function hugeSizes({ cells }: HostTopology, basePageKiB: number): readonly number[] {
  const pools = cells.flatMap((cell) => cell.pages);
  return pools.map((pool) => pool.sizeKiB).filter((size) => size > basePageKiB);
}

/** Relative distance between two cells, by index; 10 is local, and also what an unknown one counts. */
export function cellDistance(topology: HostTopology, from: number, to: number): number {
  return topology.cells[from]?.distances[to] ?? 10;
}

/** No Linux has larger ordinary pages (arm64 and ppc64 can be built with 64 KiB). */
const BASE_PAGE_KIB_MAX = 64;

function cellShape(cell: Cell, index: number, basePageKiB: number): Omit<CellShape, 'isEven'> {
  const huge = cell.pages.filter((pool) => pool.sizeKiB > basePageKiB);
  const hugeBytes = huge.reduce((sum, pool) => sum + pool.total * pool.sizeKiB * 1024, 0);
  const online = cell.cpus.filter((cpu) => cpu.online);
  return {
    id: cell.id,
    index,
    cpus: new BitSet(online.map((cpu) => cpu.id)),
    cores: coresOf(cell.id, online),
    ordinaryBytes: Math.max(0, cell.memoryBytes - hugeBytes),
  };
}

/** Siblings as the kernel lists them make a core; numbers of cores repeat between sockets and dies. */
function coresOf(cellId: number, online: readonly Cpu[]): readonly Core[] {
  const groups = new Map<string, Cpu[]>();
  for (const cpu of online) {
    const key = cpu.siblings.join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [cpu]);
    else group.push(cpu);
  }
  return [...groups.values()]
    .map((cpus) => ({
      cpus: cpus.map((cpu) => cpu.id).toSorted((a, b) => a - b),
      l3: cacheOf(cellId, cpus[0]),
    }))
    .toSorted((a, b) => firstCpu(a) - firstCpu(b));
}

function threadsOf({ cpus }: Core): number {
  return cpus.length;
}

/** A die has a last-level cache, or several: where nobody tells of caches the die stands for them. */
function cacheOf(cellId: number, cpu: Cpu | undefined): string {
  return cpu?.l3 === undefined ? `cell ${cellId} die ${cpu?.socket}.${cpu?.die}` : `${cpu.l3}`;
}

function firstCpu(core: Core): number {
  return present(core.cpus[0], 'the first CPU of a core');
}
