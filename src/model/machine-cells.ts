import { KIB } from '../base/units.ts';
import { checkCount, invalid } from './machine-check.ts';
import {
  CELL_MEMORY_BYTES_MAX,
  MACHINE_CELLS_MAX,
  MACHINE_CPUS_MAX,
  MACHINE_THREADS_MAX,
} from './machine-description.ts';
import type {
  MachineDescription,
  MachineWord,
  MemoryOnlyCell,
  PageCount,
} from './machine-description.ts';
import type { PagePool } from './topology.ts';

const BASE_PAGE_KIB = 4;
/** Huge page sizes of a kernel with base pages of 4 KiB, all of which it lists. */
const HUGE_PAGES_KIB: Readonly<Record<MachineWord, readonly number[]>> = {
  x86_64: [2048, 1_048_576],
  aarch64: [64, 2048, 32_768, 1_048_576],
};

/** How much of each there is, as far as all parts are alike. */
export interface MachineCounts {
  readonly sockets: number;
  readonly dies: number;
  readonly cellsPerSocket: number;
  readonly cells: number;
  readonly coresPerCell: number;
  readonly threads: number;
}

/** @throws BERTH_SPEC_INVALID */
export function checkedCounts(description: MachineDescription): MachineCounts {
  const { sockets = 1, dies = 1, cells: cellsPerSocket = 1, cores, threads = 1 } = description;
  checkCount('sockets', sockets, 1, MACHINE_CELLS_MAX);
  checkCount('dies', dies, 1, MACHINE_CPUS_MAX);
  checkCount('cells', cellsPerSocket, 0, MACHINE_CELLS_MAX);
  checkCount('cores', cores, 1, MACHINE_CPUS_MAX);
  checkCount('threads', threads, 1, MACHINE_THREADS_MAX);
  const { l3 } = description;
  if (typeof l3 === 'number') checkCount('l3', l3, 1, MACHINE_CPUS_MAX);
  const cells = cellsPerSocket === 0 ? 1 : sockets * cellsPerSocket;
  if (cells > MACHINE_CELLS_MAX) {
    throw invalid('cells', `${cells} cells`, `at most ${MACHINE_CELLS_MAX} in all`);
  }
  checkShares('cells', Math.max(1, cellsPerSocket), cores);
  checkShares('dies', dies, cores);
  const coresPerCell = cellsPerSocket === 0 ? cores * sockets : cores / cellsPerSocket;
  return { sockets, dies, cellsPerSocket, cells, coresPerCell, threads };
}

function checkShares(where: string, parts: number, cores: number): void {
  if (cores % parts === 0) return;
  const expected = `a number that shares the ${cores} cores of a socket evenly`;
  throw invalid(where, `${parts} cannot share ${cores} cores`, expected);
}

/** What a cell is to have. */
export interface CellPlan {
  /** Where its fields stand in the description. */
  readonly where: string;
  /** Only a cell that is said to differ may have no memory. */
  readonly memoryMin: number;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly pages: readonly PageCount[];
}

/**
 * Every cell of a machine, those of memory alone last.
 * @throws BERTH_SPEC_INVALID
 */
export function cellPlans(
  description: MachineDescription,
  counts: MachineCounts,
): readonly CellPlan[] {
  const memoryOnly = (description.memoryOnly ?? []).map(memoryOnlyPlan);
  const plans = [...plansWithCores(description, counts), ...memoryOnly];
  if (plans.length > MACHINE_CELLS_MAX) {
    throw invalid('cells', `${plans.length} cells`, `at most ${MACHINE_CELLS_MAX} in all`);
  }
  for (const plan of plans) checkMemory(description, plan);
  return plans;
}

function plansWithCores(
  description: MachineDescription,
  counts: MachineCounts,
): readonly CellPlan[] {
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
    if (plans[cell] !== usual) {
      throw invalid(`${where}.cell`, `cell ${cell} is there twice`, 'another cell');
    }
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

/** The pools of a cell all of which is free, the ordinary pages first. */
export function pagePools(
  { arch = 'x86_64' }: MachineDescription,
  { pages }: CellPlan,
  freeBytes: number,
): readonly PagePool[] {
  const ordinary = Math.floor(freeBytes / KIB / BASE_PAGE_KIB);
  const huge = HUGE_PAGES_KIB[arch].map((sizeKiB) => {
    const counts = pages.filter((pool) => pool.sizeKiB === sizeKiB).map((pool) => pool.count);
    const total = counts.reduce((sum, count) => sum + count, 0);
    return { sizeKiB, total, free: total };
  });
  return [{ sizeKiB: BASE_PAGE_KIB, total: ordinary, free: ordinary }, ...huge];
}

/** What the huge pages of a cell take of its memory. */
export function pooledBytes({ pages }: CellPlan): number {
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
