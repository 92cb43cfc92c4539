import { INT_SET_MAX } from '../base/int-set.ts';
import { KIB } from '../base/units.ts';
import { checkCount, invalid } from './machine-check.ts';
import {
  CELL_MEMORY_BYTES_MAX,
  MACHINE_CELLS_MAX,
  MACHINE_CPUS_MAX,
} from './machine-description.ts';
import type {
  MachineDescription,
  MachineWord,
  MemoryOnlyCell,
  PageCount,
  PlacedPciFunction,
} from './machine-description.ts';
import { distanceMatrix } from './machine-distances.ts';
import { checkedPci } from './machine-pci.ts';
import type { Cell, Cpu, HostTopology, PagePool, PciFunction } from './topology.ts';

export type { MachineDescription } from './machine-description.ts';

const BASE_PAGE_KIB = 4;
/** Huge page sizes of a kernel with base pages of 4 KiB, all of which it lists. */
const HUGE_PAGES_KIB: Readonly<Record<MachineWord, readonly number[]>> = {
  x86_64: [2048, 1_048_576],
  aarch64: [64, 2048, 32_768, 1_048_576],
};

/**
 * The machine that a description means, all of its memory but the pools free.
 * @throws BERTH_SPEC_INVALID naming the field and what is expected of it.
 */
export function machineTopology(description: MachineDescription): HostTopology {
  const counts = checkedCounts(description);
  const cells = cellPlans(description, counts);
  const cores = placedCores(description, counts, cells);
  const cpus = numberedCpus(description, counts, cores);
  const offline = checkedOffline(description, cpus.length);
  const memoryOnly = description.memoryOnly ?? [];
  const all: readonly CellPlan[] = [...cells, ...memoryOnly.map(memoryOnlyPlan)];
  if (all.length > MACHINE_CELLS_MAX) {
    throw invalid('cells', `${all.length} cells`, `at most ${MACHINE_CELLS_MAX} in all`);
  }
  for (const plan of all) checkMemory(description, plan);
  const distances = distanceMatrix(
    description,
    cells.map((_, cell) => socketOf(description, cell)),
  );
  const pci = checkedPci(description, all.length);
  return {
    arch: description.arch ?? 'x86_64',
    cells: all.map((plan, id): Cell => {
      const free = plan.memoryBytes - pooledBytes(plan);
      return {
        id,
        memoryBytes: plan.memoryBytes,
        freeBytes: free,
        pages: pagePools(description, plan, free),
        distances: distances[id] ?? [],
        cpus: onlineCpusOf(id, cpus, offline),
        pci: pci.filter((placed) => placed.cell === id).map(pciFunction),
      };
    }),
    offlineCpus: [...offline].toSorted((a, b) => a - b),
    pciAnywhere: pci.filter((placed) => placed.cell === undefined).map(pciFunction),
  };
}

interface Counts {
  readonly sockets: number;
  readonly dies: number;
  readonly cellsPerSocket: number;
  readonly cells: number;
  readonly coresPerCell: number;
  readonly threads: number;
}

function checkedCounts(description: MachineDescription): Counts {
  const { sockets = 1, dies = 1, cells: cellsPerSocket = 1, cores, threads = 1 } = description;
  checkCount('sockets', sockets, 1, MACHINE_CELLS_MAX);
  checkCount('dies', dies, 1, MACHINE_CPUS_MAX);
  checkCount('cells', cellsPerSocket, 0, MACHINE_CELLS_MAX);
  checkCount('cores', cores, 1, MACHINE_CPUS_MAX);
  checkCount('threads', threads, 1, 8);
  const { l3 } = description;
  if (typeof l3 === 'number') checkCount('l3', l3, 1, MACHINE_CPUS_MAX);
  const cells = cellsPerSocket === 0 ? 1 : sockets * cellsPerSocket;
  if (cells > MACHINE_CELLS_MAX) {
    throw invalid('cells', `${cells} cells`, `at most ${MACHINE_CELLS_MAX} in all`);
  }
  for (const [name, parts] of [
    ['cells', Math.max(1, cellsPerSocket)],
    ['dies', dies],
  ] as const) {
    if (cores % parts === 0) continue;
    const expected = `a number that shares the ${cores} cores of a socket evenly`;
    throw invalid(name, `${parts} cannot share ${cores} cores`, expected);
  }
  const coresPerCell = cellsPerSocket === 0 ? cores * sockets : cores / cellsPerSocket;
  return { sockets, dies, cellsPerSocket, cells, coresPerCell, threads };
}

/** What a cell is to have. */
interface CellPlan {
  /** Where its fields stand in the description. */
  readonly where: string;
  /** Only a cell that is said to differ may have no memory. */
  readonly memoryMin: number;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly pages: readonly PageCount[];
}

function cellPlans(description: MachineDescription, counts: Counts): readonly CellPlan[] {
  const { memoryBytes, pages = [], uneven = [] } = description;
  const usual: CellPlan = {
    where: '',
    memoryMin: KIB,
    cores: counts.coresPerCell,
    memoryBytes,
    pages,
  };
  const plans = Array.from({ length: counts.cells }, () => usual);
  for (const [index, { cell, ...differing }] of uneven.entries()) {
    const where = `uneven[${index}]`;
    checkCount(`${where}.cell`, cell, 0, counts.cells - 1);
    const plan = { ...usual, ...differing, where: `${where}.`, memoryMin: 0 };
    checkCount(`${where}.cores`, plan.cores, 0, MACHINE_CPUS_MAX);
    plans[cell] = plan;
  }
  const cores = plans.reduce((sum, plan) => sum + plan.cores, 0);
  if (cores * counts.threads > MACHINE_CPUS_MAX || cores === 0) {
    const problem = `${cores * counts.threads} CPUs`;
    throw invalid('cores', problem, `1 to ${MACHINE_CPUS_MAX} CPUs in all`);
  }
  return plans;
}

function memoryOnlyPlan({ memoryBytes, pages = [] }: MemoryOnlyCell, index: number): CellPlan {
  return { where: `memoryOnly[${index}].`, memoryMin: KIB, cores: 0, memoryBytes, pages };
}

interface PlacedCore {
  readonly cell: number;
  readonly socket: number;
  readonly die: number;
  readonly core: number;
  readonly l3: number | undefined;
}

/** Every core of the machine, socket by socket and cell by cell. */
function placedCores(
  description: MachineDescription,
  counts: Counts,
  cells: readonly CellPlan[],
): readonly PlacedCore[] {
  const groups = new L3Numbers(description, counts);
  const perDie = description.cores / counts.dies;
  const { coreIds = [] } = description;
  const placed = bySocket(description, counts, cells).flatMap((cellOfCore, socket) =>
    cellOfCore.map((cell, position): PlacedCore => {
      const die = Math.min(Math.floor(position / perDie), counts.dies - 1);
      const inDie = position - die * perDie;
      const l3 = groups.next(socket, die, cell);
      return { cell, socket, die, core: inDie, l3 };
    }),
  );
  checkCoreIds(description, Math.max(...placed.map((core) => core.core)) + 1);
  return placed.map((core) => ({ ...core, core: coreIds[core.core] ?? core.core }));
}

/** For each socket, the cell of each of its cores in turn. */
function bySocket(
  description: MachineDescription,
  { sockets, cellsPerSocket }: Counts,
  cells: readonly CellPlan[],
): readonly (readonly number[])[] {
  const cellOfCore = cells.map((plan, cell) => Array<number>(plan.cores).fill(cell));
  const all = cellOfCore.flat();
  const share = (at: number): number => Math.round((at * all.length) / sockets);
  return Array.from({ length: sockets }, (_, socket) =>
    cellsPerSocket === 0
      ? all.slice(share(socket), share(socket + 1))
      : cellOfCore.filter((__, cell) => socketOf(description, cell) === socket).flat(),
  );
}

/** The socket of a cell that lies in one. */
function socketOf(description: MachineDescription, cell: number): number {
  const { sockets = 1, cells = 1, order } = description;
  return order === 'round-robin' ? cell % sockets : Math.floor(cell / Math.max(1, cells));
}

function checkCoreIds({ coreIds = [] }: MachineDescription, most: number): void {
  coreIds.forEach((id, index) => checkCount(`coreIds[${index}]`, id, 0, INT_SET_MAX));
  if (coreIds.length === 0) return;
  if (coreIds.length < most || new Set(coreIds).size < coreIds.length) {
    const problem = `it has ${coreIds.length} numbers for ${most} cores of a die`;
    throw invalid('coreIds', problem, 'a different number for each core of a die');
  }
}

/** Deals out L3 groups: a new one after so many cores, and with each socket, die or smaller cell. */
class L3Numbers {
  readonly #size: number;
  readonly #endsWithCell: boolean;
  #group = -1;
  #taken = 0;
  #place = '';

  constructor({ l3, cores }: MachineDescription, { coresPerCell }: Counts) {
    this.#size = l3 === 'none' ? 0 : (l3 ?? cores);
    this.#endsWithCell = this.#size <= coresPerCell;
  }

  next(socket: number, die: number, cell: number): number | undefined {
    if (this.#size === 0) return undefined;
    const place = `${socket} ${die} ${this.#endsWithCell ? cell : ''}`;
    if (place !== this.#place || this.#taken === this.#size) {
      this.#group++;
      this.#taken = 0;
    }
    this.#place = place;
    this.#taken++;
    return this.#group;
  }
}

interface NumberedCpu {
  readonly id: number;
  readonly core: PlacedCore;
  readonly threads: readonly number[];
}

function numberedCpus(
  { siblings = 'last', order = 'blocks' }: MachineDescription,
  { threads }: Counts,
  cores: readonly PlacedCore[],
): readonly NumberedCpu[] {
  const sequence = order === 'blocks' ? cores : roundRobin(cores);
  return sequence.flatMap((core, index) => {
    const ids = Array.from({ length: threads }, (_, thread) =>
      siblings === 'last' ? thread * cores.length + index : index * threads + thread,
    );
    return ids.map((id) => ({ id, core, threads: ids }));
  });
}

/** The first core of each cell, or of each socket in one cell, then the second of each, and so on. */
function roundRobin(cores: readonly PlacedCore[]): readonly PlacedCore[] {
  const sorted = cores.toSorted((a, b) => a.cell - b.cell);
  const groups = [...Map.groupBy(sorted, ({ cell, socket }) => `${cell} ${socket}`).values()];
  const rounds = Math.max(...groups.map((group) => group.length));
  return Array.from({ length: rounds }, (_, round) =>
    groups.flatMap((group) => group[round] ?? []),
  ).flat();
}

function onlineCpusOf(
  cell: number,
  cpus: readonly NumberedCpu[],
  offline: ReadonlySet<number>,
): readonly Cpu[] {
  const own = cpus.filter(({ id, core }) => core.cell === cell && !offline.has(id));
  return own
    .toSorted((a, b) => a.id - b.id)
    .map(({ id, core: { socket, die, core, l3 }, threads }) => ({
      id,
      socket,
      die,
      ...(l3 === undefined ? {} : { l3 }),
      core,
      siblings: threads.filter((thread) => !offline.has(thread)),
      online: true,
    }));
}

function checkedOffline({ offline = [] }: MachineDescription, cpus: number): ReadonlySet<number> {
  const beyond = offline.find((id) => id < 0 || id >= cpus || !Number.isInteger(id));
  if (beyond !== undefined) {
    throw invalid('offline', `there is no CPU ${beyond}`, `CPUs from 0 to ${cpus - 1}`);
  }
  const set = new Set(offline);
  if (set.size === cpus) throw invalid('offline', 'no CPU is left', 'at least one CPU online');
  return set;
}

function pagePools(
  { arch = 'x86_64' }: MachineDescription,
  { pages }: CellPlan,
  freeBytes: number,
): readonly PagePool[] {
  const ordinary = Math.floor(freeBytes / KIB / BASE_PAGE_KIB);
  const huge = HUGE_PAGES_KIB[arch].map((sizeKiB) => {
    const total = pages.find((pool) => pool.sizeKiB === sizeKiB)?.count ?? 0;
    return { sizeKiB, total, free: total };
  });
  return [{ sizeKiB: BASE_PAGE_KIB, total: ordinary, free: ordinary }, ...huge];
}

function pooledBytes({ pages }: CellPlan): number {
  return pages.reduce((sum, pool) => sum + pool.count * pool.sizeKiB * KIB, 0);
}

function checkMemory({ arch = 'x86_64' }: MachineDescription, plan: CellPlan): void {
  const { where, memoryBytes, memoryMin } = plan;
  checkCount(`${where}memory`, memoryBytes, memoryMin, CELL_MEMORY_BYTES_MAX);
  if (memoryBytes % KIB !== 0) {
    throw invalid(`${where}memory`, `${memoryBytes} bytes`, 'whole KiB, as the kernel counts');
  }
  for (const { sizeKiB, count } of plan.pages) {
    if (!HUGE_PAGES_KIB[arch].includes(sizeKiB)) {
      const expected = `one of ${HUGE_PAGES_KIB[arch].join(', ')} KiB`;
      throw invalid(`${where}pages`, `${arch} has no pages of ${sizeKiB} KiB`, expected);
    }
    checkCount(`${where}pages`, count, 0, CELL_MEMORY_BYTES_MAX / KIB);
  }
  if (pooledBytes(plan) > memoryBytes) {
    throw invalid(`${where}pages`, 'the pages exceed the memory of the cell', 'fewer pages');
  }
}

function pciFunction({ address, class: kind, vendor, device }: PlacedPciFunction): PciFunction {
  return { address, class: kind, vendor, device };
}
