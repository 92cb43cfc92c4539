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
import { oneCell, type NodeCounts } from './one-cell.ts';
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
  /** Counts of virNodeGetInfo, for a host whose capabilities tell of no cell. */
  readonly nodeCounts?: NodeCounts;
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
 * Builds a host's topology from what libvirt and the kernel tell. What a CPU is (its cell, socket,
 * die and core) is libvirt's word where there is one; L3 groups are sysfs's, else libvirt's. What can
 * change while a machine runs is sysfs's word where that was read, since capabilities may have been
 * asked for long ago: which CPUs are online, how much memory a cell has and how large its pools
 * are. nodeinfo counts for a host of which nothing else tells a cell: its one figure for sockets and
 * cores is wrong for uneven machines.
 * @throws BERTH_FACTS_INVALID when there is no CPU or cell, or the facts contradict themselves;
 * BERTH_XML_INVALID or BERTH_SPEC_INVALID when XML or a number in it cannot be read.
 */
export function readHostTopology(facts: HostFacts): TopologyReading {
  return soundReading(assembleTopology(facts), 'host topology');
}

/**
 * A reading that does not contradict itself.
 * @throws BERTH_FACTS_INVALID naming `fact`.
 */
export function soundReading(reading: TopologyReading, fact: string): TopologyReading {
  const [problem] = topologyProblems(reading.topology);
  if (problem === undefined) return reading;
  throw berthError('BERTH_FACTS_INVALID', { fact, problem });
}

/** As `readHostTopology`, without the check for contradictions: for looking at odd machines. */
export function assembleTopology(facts: HostFacts): TopologyReading {
  const tree = new FactTree(facts.files ?? {});
  const capabilities =
    facts.capabilitiesXml === undefined
      ? undefined
      : readCapabilities(parseXml(facts.capabilitiesXml, 'the capabilities').root);
  const sysfs = sysfsTopology(tree);
  const told = capabilities && capabilitiesTopology(capabilities);
  const isCounted = (told === undefined || told.cells.length === 0) && sysfs === undefined;
  const counts = isCounted ? facts.nodeCounts : undefined;
  const raw = merge(counts === undefined ? told : oneCell(counts), sysfs);
  const pci = readPciFunctions(tree, facts.nodeDevices ?? []);
  const arch = capabilities?.arch ?? facts.arch;
  const { topology, unknown } = topologyOf(raw, { arch, pci, facts });
  const unread = sysfs === undefined ? ['offline CPUs, as sysfs was not read'] : [];
  const counted = counts === undefined ? [] : ['cells and CPU numbers, as only counts are told'];
  return { topology, unknown: [...unread, ...counted, ...unknown] };
}

/** What is known of a machine beside its raw topology. */
export interface BesideRaw {
  /** In libvirt's word. */
  readonly arch: string | undefined;
  readonly pci: readonly PlacedFunction[];
  /** What is free now. */
  readonly facts: Pick<HostFacts, 'freeMemory' | 'freePages'>;
}

/** The topology of a machine from what one source, or several together, tell of it. */
export function topologyOf(raw: RawTopology, { arch, pci, facts }: BesideRaw): TopologyReading {
  const cellIds = raw.cells.map((cell) => cell.id);
  const { cpus, unknown } = identifyCpus(raw);
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
      ...unknown,
      ...raw.cells.flatMap((cell) => unknownOf(cell, raw.cells, facts)),
    ],
  };
}

/** One machine as both tell it; see `readHostTopology` for whose word counts in what. */
function merge(first: RawTopology | undefined, second: RawTopology | undefined): RawTopology {
  const main = first !== undefined && first.cpus.size > 0 ? first : second;
  if (main === undefined) {
    throw berthError('BERTH_FACTS_INVALID', {
      fact: 'host topology',
      problem: 'neither the capabilities nor sysfs tell of a CPU',
    });
  }
  if (second === undefined || main === second) return main;
  const unheard = main.offline.filter((id) => !second.cpus.has(id));
  const offline = new Set([...unheard, ...second.offline]);
  const ids = new Set([...main.cells, ...second.cells].map((cell) => cell.id));
  // One that sysfs does not have went away since: a host that is a guest itself can lose CPUs.
  const online = new Set(second.cpus.keys());
  return {
    cells: [...ids]
      .toSorted((a, b) => a - b)
      .map((id) => mergeCell(id, { main, newest: second, online })),
    cpus: new Map([...online].map((id) => [id, mergeCpu(main.cpus.get(id), second.cpus.get(id))])),
    offline: [...offline].toSorted((a, b) => a - b),
    l3: second.l3 ?? main.l3,
  };
}

interface BothWords {
  readonly main: RawTopology;
  readonly newest: RawTopology;
  readonly online: ReadonlySet<number>;
}

/** A CPU that only the newest source knows came online since, and is where that one says. */
function mergeCell(id: number, { main, newest, online }: BothWords): RawCell {
  const cell = main.cells.find((candidate) => candidate.id === id);
  const other = newest.cells.find((candidate) => candidate.id === id);
  const added = (other?.cpus ?? []).filter((cpu) => !main.cpus.has(cpu));
  const known = (cell?.cpus ?? []).filter((cpu) => online.has(cpu));
  return {
    id,
    memoryBytes: other?.memoryBytes ?? cell?.memoryBytes,
    freeBytes: other?.freeBytes ?? cell?.freeBytes,
    ...mergePools(cell, other),
    distances:
      [other, cell].find((at) => at !== undefined && at.distances.size > 0)?.distances ?? new Map(),
    cpus: [...known, ...added].toSorted((a, b) => a - b),
  };
}

/**
 * Pools as they are now. libvirt lists ordinary pages as one pool more: what the huge ones of its
 * time left over. That figure goes where sysfs knows of newer huge ones, to be worked out again.
 */
function mergePools(
  cell: RawCell | undefined,
  other: RawCell | undefined,
): Pick<RawCell, 'pages' | 'basePageKiB'> {
  if (cell === undefined || other === undefined || other.pages.length === 0) {
    const { pages = [], basePageKiB } = cell ?? other ?? {};
    return { pages, basePageKiB };
  }
  const sizes = new Set(other.pages.map((pool) => pool.sizeKiB));
  const { basePageKiB } = cell;
  const kept = cell.pages.filter(({ sizeKiB }) => !sizes.has(sizeKiB) && sizeKiB !== basePageKiB);
  return { pages: [...kept, ...other.pages], basePageKiB };
}

function mergeCpu(cpu: RawCpu | undefined, newest: RawCpu | undefined): RawCpu {
  return {
    socket: cpu?.socket ?? newest?.socket,
    die: cpu?.die ?? newest?.die,
    core: cpu?.core ?? newest?.core,
    siblings: newest?.siblings ?? cpu?.siblings,
  };
}

interface CellMemory {
  readonly memoryBytes: number;
  readonly freeBytes: number;
}

/** Free memory is read a moment after the total, so it is held below it. */
function memoryOf(cell: RawCell, { freeMemory }: BesideRaw['facts']): CellMemory {
  const memoryBytes = cell.memoryBytes ?? 0;
  const free = freeMemory?.find((at) => at.cell === cell.id)?.bytes ?? cell.freeBytes ?? 0;
  return { memoryBytes, freeBytes: Math.min(free, memoryBytes) };
}

function pagesOf(
  cell: RawCell,
  { freePages }: BesideRaw['facts'],
  { memoryBytes, freeBytes }: CellMemory,
): readonly PagePool[] {
  const baseKiB = cell.basePageKiB ?? BASE_PAGE_KIB;
  const huge = cell.pages.filter((pool) => pool.sizeKiB !== baseKiB);
  const hugeKiB = huge.reduce((sum, pool) => sum + pool.total * pool.sizeKiB, 0);
  const left = Math.max(0, Math.floor((memoryBytes / 1024 - hugeKiB) / baseKiB));
  const told = cell.pages.find((pool) => pool.sizeKiB === baseKiB);
  const base = told ?? { sizeKiB: baseKiB, total: left, free: undefined };
  return [base, ...huge]
    .map(({ sizeKiB, total, free }) => {
      const now = freePages?.find((at) => at.cell === cell.id && at.sizeKiB === sizeKiB)?.free;
      const guess = sizeKiB === baseKiB ? Math.floor(freeBytes / 1024 / sizeKiB) : 0;
      return { sizeKiB, total, free: Math.min(now ?? free ?? guess, total) };
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
function unknownOf(
  cell: RawCell,
  cells: readonly RawCell[],
  facts: BesideRaw['facts'],
): readonly string[] {
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
