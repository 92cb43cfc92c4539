import { MACHINE_CELLS_MAX, MACHINE_CPUS_MAX } from './machine-description.ts';
import { misformedField } from './pci-function.ts';

/** A logical CPU of a host (pCPU), numbered as the kernel numbers it. */
export interface Cpu {
  readonly id: number;
  /** Physical package. Unique on the host. */
  readonly socket: number;
  /** Die within the socket; 0 where the machine has no such level. */
  readonly die: number;
  /** Group of CPUs that share a last-level (L3) cache, unique on the host; absent when unknown. */
  readonly l3?: number;
  /** Core within the die: only (socket, die, core) together name a core. */
  readonly core: number;
  /** All SMT threads of the core, this CPU included, ascending. Offline threads are left out. */
  readonly siblings: readonly number[];
  /** Offline CPUs run nothing until the administrator brings them online. */
  readonly online: boolean;
}

/** The kernel's pool of pages of one size on one cell. */
export interface PagePool {
  readonly sizeKiB: number;
  readonly total: number;
  /** Unused when observed; other programs may take pages at any time. */
  readonly free: number;
}

/** A PCI function; `address` is domain:bus:slot.function as lspci prints it. */
export interface PciFunction {
  readonly address: string;
  /** 24-bit class code in hexadecimal, e.g. 0x020000 for an Ethernet controller. */
  readonly class: string;
  /** Vendor and device numbers in hexadecimal, e.g. 0x8086. */
  readonly vendor: string;
  readonly device: string;
  /** Address of the switch's upstream port above it, where it hangs on a switch and that is known. */
  readonly switch?: string;
}

/** A NUMA node of a host. A cell may have no CPUs (CXL or GPU memory) or no memory. */
export interface Cell {
  readonly id: number;
  readonly memoryBytes: number;
  readonly freeBytes: number;
  /** Pools of every page size the host offers, the smallest first; the base size (4 KiB) included. */
  readonly pages: readonly PagePool[];
  /** Relative distance to every cell in the order of `HostTopology.cells`; 10 is local (ACPI SLIT). */
  readonly distances: readonly number[];
  readonly cpus: readonly Cpu[];
  readonly pci: readonly PciFunction[];
}

/** What a machine is made of, as its kernel and libvirt see it. */
export interface HostTopology {
  /** As libvirt spells it: x86_64, aarch64, ... */
  readonly arch: string;
  /** Ascending by id; ids may have gaps. */
  readonly cells: readonly Cell[];
  /** Offline CPUs whose cell the kernel no longer tells. */
  readonly offlineCpus: readonly number[];
  /** Functions whose cell the firmware does not tell (`numa_node` is -1). */
  readonly pciAnywhere: readonly PciFunction[];
}

/** Every CPU of the machine that is online, in cell order. */
export function onlineCpus(topology: HostTopology): readonly Cpu[] {
  return topology.cells.flatMap((cell) => cell.cpus.filter((cpu) => cpu.online));
}

/** How many CPU numbers the machine has, the highest plus one: what CPU maps are sized by. */
export function cpuNumbers(topology: HostTopology): number {
  const known = topology.cells.flatMap((cell) => cell.cpus.map((cpu) => cpu.id));
  return Math.max(...known, ...topology.offlineCpus) + 1;
}

/** A name for a core that no other core of the machine has. */
export function coreKey(cpu: Cpu): string {
  return `${cpu.socket}.${cpu.die}.${cpu.core}`;
}

/**
 * What is wrong with a topology, in words; empty when it is sound: nothing in it contradicts itself,
 * is beyond what kernels have, or is written as no kernel would. Called on everything that comes
 * from outside, and after each transformation in tests.
 */
export function topologyProblems(topology: HostTopology): readonly string[] {
  return [
    ...limitProblems(topology),
    ...repeated(topology.cells.map((cell) => cell.id)).map((id) => `cell ${id} is listed twice`),
    ...repeated(topology.cells.flatMap((cell) => cell.cpus.map((cpu) => cpu.id))).map(
      (id) => `CPU ${id} is listed twice`,
    ),
    ...(onlineCpus(topology).length === 0 ? ['no CPU is online'] : []),
    ...topology.cells.flatMap((cell) => cellProblems(cell, topology)),
    ...[...topology.cells.flatMap((cell) => cell.pci), ...topology.pciAnywhere].flatMap(
      pciProblems,
    ),
  ];
}

/** One problem of each kind, as a garbled source has many. */
function limitProblems({ cells, offlineCpus }: HostTopology): readonly string[] {
  const cell = cells.find(({ id }) => !isBelow(id, MACHINE_CELLS_MAX));
  const cpus = cells.flatMap((one) => one.cpus.flatMap(({ id, siblings }) => [id, ...siblings]));
  const cpu = [...cpus, ...offlineCpus].find((id) => !isBelow(id, MACHINE_CPUS_MAX));
  return [
    ...(cell === undefined ? [] : [`cell ${cell.id} is not from 0 to ${MACHINE_CELLS_MAX - 1}`]),
    ...(cpu === undefined ? [] : [`CPU ${cpu} is not from 0 to ${MACHINE_CPUS_MAX - 1}`]),
    ...(offlineCpus.length > MACHINE_CPUS_MAX ? ['there are too many offline CPUs'] : []),
  ];
}

function isBelow(id: number, limit: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < limit;
}

function pciProblems(pci: PciFunction): readonly string[] {
  const wrong = misformedField(pci);
  if (wrong === undefined) return [];
  return [`the ${wrong.field} "${wrong.text}" of a PCI function is not ${wrong.expected}`];
}

function cellProblems(cell: Cell, topology: HostTopology): readonly string[] {
  const where = `cell ${cell.id}`;
  const pooled = cell.pages.reduce((sum, pool) => sum + pool.total * pool.sizeKiB * 1024, 0);
  return [
    ...(cell.distances.length === topology.cells.length
      ? []
      : [`${where} has ${cell.distances.length} distances for ${topology.cells.length} cells`]),
    ...(cell.freeBytes > cell.memoryBytes ? [`${where} has more free memory than memory`] : []),
    ...(pooled > cell.memoryBytes * 1.01 ? [`${where} has more pages than memory`] : []),
    ...cell.pages
      .filter((pool) => pool.free > pool.total)
      .map((pool) => `${where} has more free ${pool.sizeKiB} KiB pages than pages`),
    ...cell.cpus
      .filter((cpu) => cpu.online && !cpu.siblings.includes(cpu.id))
      .map((cpu) => `CPU ${cpu.id} is not among its own siblings`),
  ];
}

function repeated(ids: readonly number[]): readonly number[] {
  const seen = new Set<number>();
  const again = new Set<number>();
  for (const id of ids) (seen.has(id) ? again : seen).add(id);
  return [...again];
}
