import { INT_SET_MAX } from '../base/int-set.ts';
import type { CellPlan, MachineCounts } from './machine-cells.ts';
import { checkCount, invalid } from './machine-check.ts';
import type { MachineDescription } from './machine-description.ts';
import type { Cpu } from './topology.ts';

/** The CPUs of a machine that are online, by cell, and those that are not. */
export interface MachineCpus {
  readonly cells: readonly (readonly Cpu[])[];
  readonly offline: readonly number[];
}

/**
 * Gives every thread of every core its number and its place.
 * @throws BERTH_SPEC_INVALID
 */
export function machineCpus(
  description: MachineDescription,
  counts: MachineCounts,
  cells: readonly CellPlan[],
): MachineCpus {
  const cpus = numberedCpus(description, counts, placedCores(description, counts, cells));
  const offline = checkedOffline(description, cpus.length);
  return {
    cells: cells.map((_, cell) => onlineCpusOf(cell, cpus, offline)),
    offline: [...offline].toSorted((a, b) => a - b),
  };
}

/** The socket of a cell that lies in one. */
export function socketOf(description: MachineDescription, cell: number): number {
  const { sockets = 1, cells = 1, order } = description;
  return order === 'round-robin' ? cell % sockets : Math.floor(cell / Math.max(1, cells));
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
  counts: MachineCounts,
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
  { sockets, cellsPerSocket }: MachineCounts,
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

  constructor({ l3, cores }: MachineDescription, { coresPerCell }: MachineCounts) {
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
  { threads }: MachineCounts,
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
