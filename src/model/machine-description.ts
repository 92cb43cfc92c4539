import { GIB } from '../base/units.ts';
import type { PciFunction } from './topology.ts';

/**
 * A machine in the few words that a person types: `sockets` in the machine; `dies`, `cells` and
 * `cores` in a socket, each shared out evenly; `threads` in a core; memory and `pages` in a cell.
 * What is left out is as on most machines.
 */
export interface MachineDescription {
  /** As libvirt spells it; x86_64 when absent. Says which page sizes there are. */
  readonly arch?: MachineWord;
  /** 1 when absent. */
  readonly sockets?: number;
  /** Dies of a socket, as the kernel tells them; 1 when absent. */
  readonly dies?: number;
  /**
   * Cells of a socket (sub-NUMA clusters, AMD's NPS); 1 when absent. 0 where the firmware
   * interleaves all memory (AMD's NPS0): one cell with every socket in it.
   */
  readonly cells?: number;
  /** Cores of a socket. */
  readonly cores: number;
  /** Threads of a core; 1 when absent. */
  readonly threads?: number;
  /** How many cores share an L3 cache; all of the socket when absent. */
  readonly l3?: number | 'none';
  /** Size of one L3 cache; 32 MiB when absent. */
  readonly l3Bytes?: number;
  /** Memory of a cell. */
  readonly memoryBytes: number;
  /** Huge pages set aside in each cell. */
  readonly pages?: readonly PageCount[];
  /**
   * Distances between cells: to one of the same socket and to one of another, 12 and 21 when
   * absent; or the whole matrix, a row a cell, those of memory alone last.
   */
  readonly distances?: SocketDistances | readonly (readonly number[])[];
  /** Cells without CPUs behind all others, such as CXL memory or HBM. */
  readonly memoryOnly?: readonly MemoryOnlyCell[];
  /** CPUs that the administrator has switched off. */
  readonly offline?: readonly number[];
  /** Cells that differ from the others. */
  readonly uneven?: readonly CellOverride[];
  /** Where the numbers of second threads are: behind all first ones (`last`, when absent) or beside. */
  readonly siblings?: SiblingOrder;
  /**
   * `blocks`, when absent: cells are numbered socket by socket, and CPUs cell by cell. `round-robin`,
   * as Dell's firmware does: cells one of each socket in turn, and CPUs one of each cell in turn.
   */
  readonly order?: CellOrder;
  /** The kernel's core numbers in each die, which may have gaps; 0, 1, 2, ... when absent. */
  readonly coreIds?: readonly number[];
  readonly pci?: readonly PlacedPciFunction[];
}

export const MACHINE_WORDS = ['x86_64', 'aarch64'] as const;
export type MachineWord = (typeof MACHINE_WORDS)[number];

export const SIBLING_ORDERS = ['last', 'adjacent'] as const;
export type SiblingOrder = (typeof SIBLING_ORDERS)[number];

export const CELL_ORDERS = ['blocks', 'round-robin'] as const;
export type CellOrder = (typeof CELL_ORDERS)[number];

export interface PageCount {
  readonly sizeKiB: number;
  readonly count: number;
}

export interface SocketDistances {
  /** Between cells of one socket. */
  readonly near: number;
  /** Between cells of two sockets. */
  readonly far: number;
}

export interface MemoryOnlyCell {
  readonly memoryBytes: number;
  readonly pages?: readonly PageCount[];
  /** The cell with CPUs that it hangs on; 0 when absent. */
  readonly at?: number;
  /** Distance to that cell; 14 when absent. What is farther from that is farther from this. */
  readonly distance?: number;
}

export interface CellOverride {
  readonly cell: number;
  readonly cores?: number;
  /** 0 for a cell without memory. */
  readonly memoryBytes?: number;
  readonly pages?: readonly PageCount[];
}

/** A PCI function and its cell; absent where the firmware tells none. */
export interface PlacedPciFunction extends PciFunction {
  readonly cell?: number;
}

/** The kernel's most: NR_CPUS of x86 (MAXSMP), and MAX_NUMNODES. */
export const MACHINE_CPUS_MAX = 8192;
export const MACHINE_CELLS_MAX = 1024;
/** POWER's SMT8 is the most there is. */
export const MACHINE_THREADS_MAX = 8;
/** So that the memory of all cells together can be counted exactly. */
export const CELL_MEMORY_BYTES_MAX = 8 * 1024 * GIB;
export const MACHINE_PCI_MAX = 4096;
