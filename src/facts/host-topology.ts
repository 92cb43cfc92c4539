import { berthError } from '../base/errors.ts';
import {
  topologyProblems,
  type Cell,
  type HostTopology,
  type PagePool,
} from '../model/topology.ts';
import { parseXml, readCapabilities } from '../xml/index.ts';
import { capabilitiesTopology } from './capabilities-topology.ts';
import { identifyCpus } from './cpu-identity.ts';
import { FactTree, type FactFiles } from './fact-files.ts';
import { readPciFunctions, type PlacedFunction } from './pci-functions.ts';
import type { RawCell, RawCpu, RawTopology } from './raw-topology.ts';
import { sysfsTopology } from './sysfs-topology.ts';

/** What was collected of a host. Either the capabilities or the files are enough by themselves. */
export interface HostFacts {
  /** Answer of virConnectGetCapabilities. */
  readonly capabilitiesXml?: string;
  /** The architecture, in libvirt's word, where there are no capabilities to tell it. */
  readonly arch?: string;
  /** Texts of TOPOLOGY_FILES and PCI_FILES; empty over a way in that gives libvirt alone. */
  readonly files?: FactFiles;
  /** Answer of virNodeGetCellsFreeMemory. */
  readonly freeMemory?: readonly { readonly cell: number; readonly bytes: number }[];
  /** Answer of virNodeGetFreePages. */
  readonly freePages?: readonly {
    readonly cell: number;
    readonly sizeKiB: number;
    readonly free: number;
  }[];
  /** XML of node devices; those that are not PCI are passed over. */
  readonly nodeDevices?: readonly string[];
}

/** A topology, and in words what no source told, so that nothing unknown passes for known. */
export interface TopologyReading {
  readonly topology: HostTopology;
  readonly unknown: readonly string[];
}

/** Distances that the kernel itself assumes where the firmware tells none (LOCAL_, REMOTE_DISTANCE). */
const LOCAL_DISTANCE = 10;
const REMOTE_DISTANCE = 20;

/** The base page size where libvirt does not list it; right for x86 and most others. */
const BASE_PAGE_KIB = 4;

/**
 * Builds a host's topology from what libvirt and the kernel tell. Cells, CPUs and their siblings
 * are libvirt's where it tells them; L3 groups are sysfs's, else libvirt's. nodeinfo is never
 * asked: its one figure for sockets and cores is wrong for uneven machines.
 * @throws BERTH_FACTS_INVALID when there is no CPU or cell, or the facts contradict themselves;
 * BERTH_XML_INVALID or BERTH_SPEC_INVALID when XML or a number in it cannot be read.
 */
export function readHostTopology(facts: HostFacts): TopologyReading {
  const reading = assembleTopology(facts);
  const [problem] = topologyProblems(reading.topology);
  if (problem === undefined) return reading;
  throw berthError('BERTH_FACTS_INVALID', { fact: 'host topology', problem });
}

/** As `readHostTopology`, without the check for contradictions: for looking at odd machines. */
export function assembleTopology(facts: HostFacts): TopologyReading {
  const tree = new FactTree(facts.files ?? {});
  const capabilities =
    facts.capabilitiesXml === undefined
      ? undefined
      : readCapabilities(parseXml(facts.capabilitiesXml, 'the capabilities').root);
  const sysfs = sysfsTopology(tree);
  const raw = merge(capabilities && capabilitiesTopology(capabilities), sysfs);
  const pci = readPciFunctions(tree, facts.nodeDevices ?? []);
  const cellIds = raw.cells.map((cell) => cell.id);
  const { cpus, unknown } = identifyCpus(raw);
  const arch = capabilities?.arch ?? facts.arch;
  return {
    topology: {
      arch: arch ?? 'unknown',
      cells: raw.cells.map((cell): Cell => {
        const bytes = memoryOf(cell, facts);
        return {
          id: cell.id,
          ...bytes,
          pages: pagesOf(cell, facts, bytes),
          distances: cellIds.map((id) => distance(cell, id)),
          cpus: cell.cpus.flatMap((id) => cpus.get(id) ?? []),
          pci: pci.filter((placed) => placed.cell === cell.id).map((placed) => placed.pci),
        };
      }),
      offlineCpus: raw.offline,
      pciAnywhere: pci.filter((at) => !isIn(at, cellIds)).map((placed) => placed.pci),
    },
    unknown: [
      ...(arch === undefined ? ['the architecture'] : []),
      ...(sysfs === undefined ? ['offline CPUs, as sysfs was not read'] : []),
      ...unknown,
      ...raw.cells.flatMap((cell) => unknownOf(cell, raw.cells, facts)),
    ],
  };
}

/** libvirt's word first, and sysfs's for what it leaves out. */
function merge(first: RawTopology | undefined, second: RawTopology | undefined): RawTopology {
  const main = first !== undefined && first.cpus.size > 0 ? first : second;
  if (main === undefined) {
    throw berthError('BERTH_FACTS_INVALID', {
      fact: 'host topology',
      problem: 'neither the capabilities nor sysfs tell of a CPU',
    });
  }
  if (second === undefined || main === second) return main;
  const offline = new Set([...main.offline, ...second.offline]);
  const extra = second.cells.filter(({ id }) => !main.cells.some((cell) => cell.id === id));
  return {
    cells: [
      ...main.cells.map((cell) => mergeCell(cell, second)),
      ...extra.map((cell) => ({ ...cell, cpus: [] })),
    ].toSorted((a, b) => a.id - b.id),
    cpus: new Map(
      main.cpus
        .entries()
        .filter(([id]) => !offline.has(id))
        .map(([id, cpu]) => [id, mergeCpu(cpu, second.cpus.get(id))]),
    ),
    offline: [...offline].toSorted((a, b) => a - b),
    l3: second.l3 ?? main.l3,
  };
}

function mergeCell(cell: RawCell, { cells, offline }: RawTopology): RawCell {
  const other = cells.find(({ id }) => id === cell.id);
  return {
    id: cell.id,
    memoryBytes: cell.memoryBytes ?? other?.memoryBytes,
    freeBytes: cell.freeBytes ?? other?.freeBytes,
    pages: (cell.pages.length > 0 ? cell.pages : (other?.pages ?? [])).map((pool) => ({
      ...pool,
      free: pool.free ?? other?.pages.find(({ sizeKiB }) => sizeKiB === pool.sizeKiB)?.free,
    })),
    basePageKiB: cell.basePageKiB,
    distances: cell.distances.size > 0 ? cell.distances : (other?.distances ?? cell.distances),
    cpus: cell.cpus.filter((id) => !offline.includes(id)),
  };
}

function mergeCpu(cpu: RawCpu, other: RawCpu | undefined): RawCpu {
  return {
    socket: cpu.socket ?? other?.socket,
    die: cpu.die ?? other?.die,
    core: cpu.core ?? other?.core,
    siblings: cpu.siblings ?? other?.siblings,
  };
}

interface CellMemory {
  readonly memoryBytes: number;
  readonly freeBytes: number;
}

/** Free memory is read a moment after the total, so it is held below it. */
function memoryOf(cell: RawCell, { freeMemory }: HostFacts): CellMemory {
  const memoryBytes = cell.memoryBytes ?? 0;
  const free = freeMemory?.find((at) => at.cell === cell.id)?.bytes ?? cell.freeBytes ?? 0;
  return { memoryBytes, freeBytes: Math.min(free, memoryBytes) };
}

function pagesOf(
  cell: RawCell,
  { freePages }: HostFacts,
  { memoryBytes, freeBytes }: CellMemory,
): readonly PagePool[] {
  const huge = cell.pages.reduce((sum, pool) => sum + pool.total * pool.sizeKiB, 0);
  const total = Math.max(0, Math.floor((memoryBytes / 1024 - huge) / BASE_PAGE_KIB));
  const base = { sizeKiB: BASE_PAGE_KIB, total, free: undefined };
  const baseSize = cell.basePageKiB ?? BASE_PAGE_KIB;
  return (cell.basePageKiB === undefined ? [base, ...cell.pages] : cell.pages)
    .map(({ sizeKiB, total, free }) => {
      const told = freePages?.find((at) => at.cell === cell.id && at.sizeKiB === sizeKiB)?.free;
      const guess = sizeKiB === baseSize ? Math.floor(freeBytes / 1024 / sizeKiB) : 0;
      return { sizeKiB, total, free: Math.min(told ?? free ?? guess, total) };
    })
    .toSorted((a, b) => a.sizeKiB - b.sizeKiB);
}

function distance(cell: RawCell, other: number): number {
  const assumed = cell.id === other ? LOCAL_DISTANCE : REMOTE_DISTANCE;
  return cell.distances.get(other) ?? assumed;
}

function isIn({ cell }: PlacedFunction, cells: readonly number[]): boolean {
  return cell !== undefined && cells.includes(cell);
}

/** What had to be assumed of a cell. */
function unknownOf(cell: RawCell, cells: readonly RawCell[], facts: HostFacts): readonly string[] {
  const freeTold = facts.freeMemory?.some((at) => at.cell === cell.id) ?? false;
  const isFreeKnown = (sizeKiB: number): boolean =>
    facts.freePages?.some((at) => at.cell === cell.id && at.sizeKiB === sizeKiB) ?? false;
  const pools = cell.pages.filter(({ sizeKiB, total, free }) => {
    return total > 0 && free === undefined && sizeKiB !== cell.basePageKiB && !isFreeKnown(sizeKiB);
  });
  return [
    ...(cell.memoryBytes === undefined ? [`the memory of cell ${cell.id}`] : []),
    ...(freeTold || cell.freeBytes !== undefined ? [] : [`the free memory of cell ${cell.id}`]),
    ...pools.map(({ sizeKiB }) => `free pages of ${sizeKiB} KiB on cell ${cell.id}`),
    ...(cells.length > 1 && cell.distances.size === 0 ? [`distances from cell ${cell.id}`] : []),
  ];
}
