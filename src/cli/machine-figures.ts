import { coreKey, onlineCpus } from '../model/topology.ts';
import type { HostTopology } from '../model/topology.ts';

/** A machine in numbers. */
export interface MachineFigures {
  readonly arch: string;
  readonly sockets: number;
  readonly cells: number;
  /** Cells that have memory and no CPU. */
  readonly memoryOnlyCells: number;
  /** Cores with a thread that is online. */
  readonly cores: number;
  /** Threads that are online. */
  readonly cpus: number;
  readonly offlineCpus: number;
  readonly memoryBytes: number;
}

/** Counts what a machine is made of. */
export function machineFigures(topology: HostTopology): MachineFigures {
  const { arch, cells } = topology;
  const cpus = cells.flatMap((cell) => cell.cpus);
  const online = onlineCpus(topology);
  return {
    arch,
    sockets: new Set(cpus.map(({ socket }) => socket)).size,
    cells: cells.length,
    memoryOnlyCells: cells.filter((cell) => cell.cpus.length === 0).length,
    cores: new Set(online.map(coreKey)).size,
    cpus: online.length,
    offlineCpus: cpus.length - online.length + topology.offlineCpus.length,
    memoryBytes: cells.reduce((sum, cell) => sum + cell.memoryBytes, 0),
  };
}

/** The cells that have CPUs differ in how many, or in their memory. */
export function isUneven({ cells }: HostTopology): boolean {
  const shapes = cells
    .filter((cell) => cell.cpus.length > 0)
    .map(({ cpus, memoryBytes }) => ({
      cpus: cpus.filter((cpu) => cpu.online).length,
      memoryBytes,
    }));
  const bytes = shapes.map(({ memoryBytes }) => memoryBytes);
  // Firmware keeps some of the first cell's memory: equal modules differ by a little.
  const differs = Math.max(...bytes) - Math.min(...bytes) > Math.max(...bytes) * UNEVEN_SHARE;
  return differs || new Set(shapes.map(({ cpus }) => cpus)).size > 1;
}

/** Memory that differs by no more than this part of the largest cell counts as equal. */
const UNEVEN_SHARE = 0.05;

/** `1 cell`, `2 cells`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
