import type { FactTree } from './fact-files.ts';
import { parseMeminfo } from './meminfo.ts';
import type { L3Group, RawCell, RawCpu, RawPagePool, RawTopology } from './raw-topology.ts';

const CPU = 'sys/devices/system/cpu';
const NODE = 'sys/devices/system/node';

/**
 * The machine as the kernel's sysfs tells it; undefined when there is no word of any CPU. See
 * Documentation/ABI/stable/sysfs-devices-system-cpu and sysfs-devices-node of the kernel.
 */
export function sysfsTopology(tree: FactTree): RawTopology | undefined {
  const online = onlineCpus(tree);
  if (online.length === 0) return undefined;
  const present = tree.cpus(`${CPU}/present`) ?? tree.numbered(CPU, 'cpu');
  const nodes = tree.numbered(NODE, 'node').filter((id) => isRealNode(tree, id));
  return {
    cells:
      nodes.length === 0
        ? [singleCell(tree, online)]
        : nodes.map((id) => readCell(tree, id, { nodes, online })),
    cpus: new Map(online.map((id) => [id, readCpu(tree, id)])),
    offline: present.filter((id) => !online.includes(id)),
    l3: readL3(tree, online),
  };
}

/** A kernel without a list of online CPUs keeps a topology folder for those alone. */
function onlineCpus(tree: FactTree): readonly number[] {
  const listed = tree.cpus(`${CPU}/online`);
  if (listed !== undefined) return listed;
  return tree
    .numbered(CPU, 'cpu')
    .filter((id) => tree.text(`${CPU}/cpu${id}/topology/core_id`) !== undefined)
    .filter((id) => tree.integer(`${CPU}/cpu${id}/online`) !== 0);
}

function readCpu(tree: FactTree, id: number): RawCpu {
  const folder = `${CPU}/cpu${id}/topology`;
  const mask = `${folder}/thread_siblings`;
  return {
    socket: known(tree.integer(`${folder}/physical_package_id`)),
    die: known(tree.integer(`${folder}/die_id`)),
    core: known(tree.integer(`${folder}/core_id`)),
    siblings: tree.cpus(`${folder}/thread_siblings_list`, mask),
  };
}

/** Where the firmware says nothing the kernel writes -1. */
function known(id: number | undefined): number | undefined {
  return id === undefined || id < 0 ? undefined : id;
}

function readL3(tree: FactTree, online: readonly number[]): readonly L3Group[] | undefined {
  const groups = new Map<string, L3Group>();
  let caches = 0;
  for (const cpu of online) {
    const folder = `${CPU}/cpu${cpu}/cache`;
    for (const index of tree.numbered(folder, 'index')) {
      const cache = `${folder}/index${index}`;
      caches++;
      if (tree.integer(`${cache}/level`) !== 3) continue;
      const cpus = tree.cpus(`${cache}/shared_cpu_list`, `${cache}/shared_cpu_map`) ?? [cpu];
      groups.set(cpus.join(), { id: known(tree.integer(`${cache}/id`)), cpus });
    }
  }
  return caches === 0 ? undefined : [...groups.values()];
}

/** A folder of a node that went away can remain; it has neither memory nor CPUs listed. */
function isRealNode(tree: FactTree, id: number): boolean {
  return tree.text(`${NODE}/node${id}/meminfo`) !== undefined || nodeCpus(tree, id) !== undefined;
}

function nodeCpus(tree: FactTree, id: number): readonly number[] | undefined {
  return tree.cpus(`${NODE}/node${id}/cpulist`, `${NODE}/node${id}/cpumap`);
}

function readCell(
  tree: FactTree,
  id: number,
  { nodes, online }: { nodes: readonly number[]; online: readonly number[] },
): RawCell {
  const folder = `${NODE}/node${id}`;
  const meminfo = parseMeminfo(tree.text(`${folder}/meminfo`) ?? '');
  // The distances are listed in the order of the nodes that are online.
  const distances = (tree.text(`${folder}/distance`) ?? '').split(/\s+/).filter(Boolean);
  return {
    id,
    memoryBytes: meminfo.get('MemTotal'),
    freeBytes: meminfo.get('MemFree'),
    pages: tree.names(`${folder}/hugepages`).flatMap((name) => readPool(tree, folder, name)),
    basePageKiB: undefined,
    distances: new Map(
      distances.length === nodes.length
        ? nodes.map((node, index) => [node, Number(distances[index])])
        : [],
    ),
    cpus: (nodeCpus(tree, id) ?? []).filter((cpu) => online.includes(cpu)),
  };
}

function readPool(tree: FactTree, folder: string, name: string): readonly RawPagePool[] {
  const size = /^hugepages-(\d{1,12})kB$/.exec(name)?.[1];
  const total = tree.integer(`${folder}/hugepages/${name}/nr_hugepages`);
  const free = tree.integer(`${folder}/hugepages/${name}/free_hugepages`);
  return size === undefined || total === undefined ? [] : [{ sizeKiB: Number(size), total, free }];
}

/** A kernel without NUMA has no nodes: the machine is one cell. */
function singleCell(tree: FactTree, online: readonly number[]): RawCell {
  const meminfo = parseMeminfo(tree.text('proc/meminfo') ?? '');
  const size = meminfo.get('Hugepagesize');
  const total = meminfo.get('HugePages_Total') ?? 0;
  const pool = { sizeKiB: (size ?? 0) / 1024, total, free: meminfo.get('HugePages_Free') };
  return {
    id: 0,
    memoryBytes: meminfo.get('MemTotal'),
    freeBytes: meminfo.get('MemFree'),
    pages: size === undefined ? [] : [pool],
    basePageKiB: undefined,
    distances: new Map([[0, 10]]),
    cpus: online,
  };
}
