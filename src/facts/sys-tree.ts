import { formatIntSet } from '../base/int-set.ts';
import { KIB, MIB } from '../base/units.ts';
import {
  onlineCpus,
  type Cell,
  type Cpu,
  type HostTopology,
  type PagePool,
} from '../model/topology.ts';
import { CpuLists } from './cpu-lists.ts';
import type { FactFiles } from './fact-files.ts';

const CPU = 'sys/devices/system/cpu';
const NODE = 'sys/devices/system/node';
const PCI = 'sys/bus/pci/devices';

/** What a topology does not tell of a machine and its files do. */
export interface SysTreeOptions {
  /** Size of each L3 cache; 32 MiB when absent. */
  readonly l3Bytes?: number;
}

/**
 * The files that the kernel of such a machine would show: all that Berth, libvirt and hwloc read of
 * CPUs, cells and PCI functions. The inverse of `sysfsTopology`. As Linux before 5.16 shows it:
 * without clusters, and for an offline CPU nothing but that it is offline (drivers/base/topology.c).
 * Of caches a topology tells L3 alone, and so do the files; but a core without one has an L2 cache,
 * since without any cache it would be open whether there is an L3.
 */
export function sysTree(topology: HostTopology, options: SysTreeOptions = {}): FactFiles {
  const cpus = onlineCpus(topology);
  const offline = [...topology.offlineCpus, ...offlineInCells(topology)];
  const lists = new CpuLists([...cpus.map((cpu) => cpu.id), ...offline]);
  return Object.fromEntries([
    ...cpuFolder(offline, cpus),
    ...offline.map((id) => [`${CPU}/cpu${id}/online`, '0\n'] as const),
    ...cpuFiles(cpus, lists),
    ...cacheFiles(cpus, lists, options),
    ...nodeFolder(topology),
    ...topology.cells.flatMap((cell) => cellFiles(cell, lists)),
    ...pciFiles(topology, lists),
  ]);
}

/** Offline CPUs whose cell somebody knows; the kernel tells it of none. */
function offlineInCells({ cells }: HostTopology): readonly number[] {
  return cells.flatMap((cell) => cell.cpus.filter((cpu) => !cpu.online).map((cpu) => cpu.id));
}

type FileEntry = readonly [path: string, text: string];

/** NR_CPUS - 1 of the kernels of all distributions for servers. */
const KERNEL_MAX = 8191;

function cpuFolder(offline: readonly number[], cpus: readonly Cpu[]): readonly FileEntry[] {
  const online = cpus.map((cpu) => cpu.id);
  const all = `${formatIntSet([...online, ...offline])}\n`;
  return [
    [`${CPU}/online`, `${formatIntSet(online)}\n`],
    [`${CPU}/offline`, `${formatIntSet(offline)}\n`],
    [`${CPU}/present`, all],
    [`${CPU}/possible`, all],
    [`${CPU}/kernel_max`, `${KERNEL_MAX}\n`],
  ];
}

function cpuFiles(cpus: readonly Cpu[], lists: CpuLists): readonly FileEntry[] {
  const packages = groups(cpus, (cpu) => `${cpu.socket}`, lists);
  const dies = groups(cpus, (cpu) => `${cpu.socket} ${cpu.die}`, lists);
  const cores = groups(cpus, (cpu) => cpu.siblings.join(), lists);
  return cpus.flatMap((cpu): readonly FileEntry[] => {
    const topology = `${CPU}/cpu${cpu.id}/topology`;
    return [
      [`${CPU}/cpu${cpu.id}/online`, '1\n'],
      [`${topology}/physical_package_id`, `${cpu.socket}\n`],
      [`${topology}/die_id`, `${cpu.die}\n`],
      [`${topology}/core_id`, `${cpu.core}\n`],
      ...both(`${topology}/thread_siblings`, cores(cpu)),
      ...both(`${topology}/core_siblings`, packages(cpu)),
      ...both(`${topology}/die_cpus`, dies(cpu)),
    ];
  });
}

interface GroupText {
  readonly list: string;
  readonly map: string;
}

/** The CPUs that have something in common with one, written once for all of them. */
function groups(
  cpus: readonly Cpu[],
  key: (cpu: Cpu) => string,
  lists: CpuLists,
): (cpu: Cpu) => GroupText {
  const texts = new Map<string, GroupText>();
  for (const [name, members] of Map.groupBy(cpus, key)) {
    const ids = members.map((cpu) => cpu.id);
    texts.set(name, { list: lists.list(ids), map: lists.map(ids) });
  }
  return (cpu) => texts.get(key(cpu)) ?? { list: '\n', map: '\n' };
}

/** A CPU set under its name, as a map and as a list. */
function both(path: string, { map, list }: GroupText): readonly FileEntry[] {
  return [
    [path, map],
    [`${path}_list`, list],
  ];
}

const LINE_BYTES = 64;
const WAYS = 16;
const L2_BYTES = MIB;
const L3_BYTES = 32 * MIB;

/** The L3 cache of each CPU; where there is none, the L2 cache of its core. */
function cacheFiles(
  cpus: readonly Cpu[],
  lists: CpuLists,
  { l3Bytes = L3_BYTES }: SysTreeOptions,
): readonly FileEntry[] {
  const inCore = groups(cpus, (cpu) => cpu.siblings.join(), lists);
  const inL3 = groups(cpus, (cpu) => `${cpu.l3}`, lists);
  return cpus.flatMap((cpu): readonly FileEntry[] => {
    const folder = `${CPU}/cpu${cpu.id}/cache/index0`;
    const hasL3 = cpu.l3 !== undefined;
    const bytes = hasL3 ? l3Bytes : L2_BYTES;
    const sharing = hasL3 ? inL3(cpu) : inCore(cpu);
    return [
      [`${folder}/id`, `${cpu.l3 ?? cpu.siblings[0]}\n`],
      [`${folder}/level`, hasL3 ? '3\n' : '2\n'],
      [`${folder}/type`, 'Unified\n'],
      [`${folder}/size`, `${bytes / KIB}K\n`],
      [`${folder}/coherency_line_size`, `${LINE_BYTES}\n`],
      [`${folder}/ways_of_associativity`, `${WAYS}\n`],
      [`${folder}/number_of_sets`, `${bytes / LINE_BYTES / WAYS}\n`],
      [`${folder}/shared_cpu_map`, sharing.map],
      [`${folder}/shared_cpu_list`, sharing.list],
    ];
  });
}

function nodeFolder({ cells }: HostTopology): readonly FileEntry[] {
  const list = (some: readonly Cell[]): string => `${formatIntSet(some.map(({ id }) => id))}\n`;
  const withMemory = list(cells.filter((cell) => cell.memoryBytes > 0));
  return [
    [`${NODE}/online`, list(cells)],
    [`${NODE}/possible`, list(cells)],
    [`${NODE}/has_cpu`, list(cells.filter((cell) => cell.cpus.length > 0))],
    [`${NODE}/has_memory`, withMemory],
    [`${NODE}/has_normal_memory`, withMemory],
  ];
}

function cellFiles(cell: Cell, lists: CpuLists): readonly FileEntry[] {
  const folder = `${NODE}/node${cell.id}`;
  const ids = cell.cpus.filter((cpu) => cpu.online).map((cpu) => cpu.id);
  return [
    [`${folder}/cpulist`, lists.list(ids)],
    [`${folder}/cpumap`, lists.map(ids)],
    [`${folder}/distance`, `${cell.distances.join(' ')}\n`],
    [`${folder}/meminfo`, meminfo(cell)],
    ...hugePools(cell).flatMap(({ sizeKiB, total, free }): readonly FileEntry[] => {
      const pool = `${folder}/hugepages/hugepages-${sizeKiB}kB`;
      return [
        [`${pool}/nr_hugepages`, `${total}\n`],
        [`${pool}/free_hugepages`, `${free}\n`],
        [`${pool}/surplus_hugepages`, '0\n'],
      ];
    }),
  ];
}

/** The largest size of ordinary pages: ARM and POWER kernels can be built for pages of 64 KiB. */
const BASE_PAGE_KIB_MAX = 64;

/** All pools but that of ordinary pages, which comes first and has no folder. */
function hugePools({ pages }: Cell): readonly PagePool[] {
  const [first, ...others] = pages;
  return first !== undefined && first.sizeKiB <= BASE_PAGE_KIB_MAX ? others : pages;
}

function meminfo({ id, memoryBytes, freeBytes }: Cell): string {
  const lines = [
    ['MemTotal', memoryBytes],
    ['MemFree', freeBytes],
    ['MemUsed', memoryBytes - freeBytes],
  ] as const;
  return lines
    .map(
      ([name, bytes]) =>
        `Node ${id} ${`${name}:`.padEnd(15)}${`${Math.floor(bytes / KIB)}`.padStart(8)} kB\n`,
    )
    .join('');
}

/** The kernel's word for a function whose cell the firmware does not tell. */
const NO_CELL = -1;

function pciFiles({ cells, pciAnywhere }: HostTopology, lists: CpuLists): readonly FileEntry[] {
  const cpus = cells.flatMap((cell) => cell.cpus);
  const placed = [
    ...cells.flatMap((cell) => cell.pci.map((pci) => ({ pci, cell: cell.id, near: cell.cpus }))),
    ...pciAnywhere.map((pci) => ({ pci, cell: NO_CELL, near: cpus })),
  ];
  return placed.flatMap(({ pci, cell, near }): readonly FileEntry[] => {
    const folder = `${PCI}/${pci.address}`;
    const ids = near.map((cpu) => cpu.id);
    return [
      [`${folder}/class`, `${pci.class}\n`],
      [`${folder}/vendor`, `${pci.vendor}\n`],
      [`${folder}/device`, `${pci.device}\n`],
      [`${folder}/numa_node`, `${cell}\n`],
      [`${folder}/local_cpus`, lists.map(ids)],
      [`${folder}/local_cpulist`, lists.list(ids)],
    ];
  });
}
