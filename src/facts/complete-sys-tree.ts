import { formatIntSet } from '../base/int-set.ts';
import { KIB } from '../base/units.ts';
import { CpuLists } from './cpu-lists.ts';
import { FactTree, type FactFiles } from './fact-files.ts';
import { parseMeminfo } from './meminfo.ts';

const CPU = 'sys/devices/system/cpu';
const NODE = 'sys/devices/system/node';

/**
 * A recorded tree with what today's libvirt reads and the kernel it was recorded on did not have:
 * lists of CPUs and cells in the folders above them (Linux 2.6.29 and 2.6.24), CPU sets as lists
 * beside maps (2.6.26, in caches and cells; 2.6.29 in topology; POWER had maps alone until 5.9) and
 * as maps beside lists, numbers of caches (4.11), and one cell where the kernel knew none. What is
 * there stays as it is, but for the maps of cells, which become as narrow as the CPUs allow: libnuma
 * takes one that is wider than those of the kernel it runs on for garbled, whatever it holds.
 */
export function completeSysTree(files: FactFiles): FactFiles {
  const withSets = { ...missingSets(files), ...files, ...narrowMaps(files) };
  const withCaches = { ...cacheNumbers(withSets), ...withSets };
  const withFolders = { ...cpuFolder(withCaches), ...withCaches };
  const withCell = { ...onlyCell(withFolders), ...withFolders };
  return { ...nodeFolder(withCell), ...withCell };
}

/** Names of CPU sets: as a map, and as a list. */
const SETS: readonly (readonly [map: string, list: string])[] = [
  ['thread_siblings', 'thread_siblings_list'],
  ['core_siblings', 'core_siblings_list'],
  ['shared_cpu_map', 'shared_cpu_list'],
  ['cpumap', 'cpulist'],
];

function missingSets(files: FactFiles): FactFiles {
  const tree = new FactTree(files);
  const lists = new CpuLists(tree.numbered(CPU, 'cpu'));
  const added: Record<string, string> = {};
  for (const [folder, name] of systemFiles(files)) {
    const [map, list] = SETS.find((names) => names.includes(name)) ?? [];
    if (map === undefined || list === undefined) continue;
    const ids = tree.cpus(folder + list, folder + map) ?? [];
    added[folder + map] = lists.map(ids);
    added[folder + list] = lists.list(ids);
  }
  return added;
}

function narrowMaps(files: FactFiles): FactFiles {
  const tree = new FactTree(files);
  const lists = new CpuLists(tree.numbered(CPU, 'cpu'));
  const maps = tree.numbered(NODE, 'node').flatMap((id) => {
    const path = `${NODE}/node${id}/cpumap`;
    const ids = tree.mask(path);
    return ids === undefined ? [] : [[path, lists.map(ids)]];
  });
  return Object.fromEntries(maps);
}

/** The lowest CPU of a cache numbers it, which tells it from all others of its level. */
function cacheNumbers(files: FactFiles): FactFiles {
  const tree = new FactTree(files);
  const ids = [...systemFiles(files)]
    .filter(([, name]) => name === 'shared_cpu_list')
    .map(([folder]) => [`${folder}id`, `${tree.cpus(`${folder}shared_cpu_list`)?.[0] ?? 0}\n`]);
  return Object.fromEntries(ids);
}

/** Each file of CPUs and cells, as its folder and its name. */
function systemFiles(files: FactFiles): readonly (readonly [folder: string, name: string])[] {
  return Object.keys(files)
    .filter((path) => path.startsWith('sys/devices/system/'))
    .map((path) => {
      const end = path.lastIndexOf('/') + 1;
      return [path.slice(0, end), path.slice(end)];
    });
}

/** A CPU without a topology, where others have one, is offline. */
function cpuFolder(files: FactFiles): FactFiles {
  const tree = new FactTree(files);
  const all = tree.numbered(CPU, 'cpu');
  const online =
    tree.cpus(`${CPU}/online`) ??
    all.filter(
      (id) =>
        tree.text(`${CPU}/cpu${id}/topology/core_id`) !== undefined &&
        tree.integer(`${CPU}/cpu${id}/online`) !== 0,
    );
  const highest = Math.max(0, ...all);
  return {
    [`${CPU}/online`]: `${formatIntSet(online)}\n`,
    [`${CPU}/present`]: `${formatIntSet(all)}\n`,
    [`${CPU}/possible`]: `${formatIntSet(all)}\n`,
    [`${CPU}/kernel_max`]: `${highest}\n`,
  };
}

/** The cell that a kernel without NUMA is, for one that has it. */
function onlyCell(files: FactFiles): FactFiles {
  const tree = new FactTree(files);
  if (tree.numbered(NODE, 'node').length > 0) return {};
  const node = `${NODE}/node0`;
  const online = tree.cpus(`${CPU}/online`) ?? [];
  const lists = new CpuLists(online);
  const meminfo = parseMeminfo(tree.text('proc/meminfo') ?? '');
  const lines = ['MemTotal', 'MemFree'].map(
    (name) => `Node 0 ${`${name}:`.padEnd(15)}${(meminfo.get(name) ?? 0) / KIB} kB\n`,
  );
  const size = meminfo.get('Hugepagesize');
  const pool = `${node}/hugepages/hugepages-${(size ?? 0) / KIB}kB`;
  return {
    [`${node}/cpulist`]: lists.list(online),
    [`${node}/cpumap`]: lists.map(online),
    [`${node}/distance`]: '10\n',
    [`${node}/meminfo`]: lines.join(''),
    ...(size === undefined
      ? {}
      : {
          [`${pool}/nr_hugepages`]: `${meminfo.get('HugePages_Total') ?? 0}\n`,
          [`${pool}/free_hugepages`]: `${meminfo.get('HugePages_Free') ?? 0}\n`,
        }),
  };
}

function nodeFolder(files: FactFiles): FactFiles {
  const tree = new FactTree(files);
  const ids = tree.numbered(NODE, 'node');
  const memory = (id: number): number =>
    parseMeminfo(tree.text(`${NODE}/node${id}/meminfo`) ?? '').get('MemTotal') ?? 0;
  const hasCpu = ids.filter((id) => (tree.cpus(`${NODE}/node${id}/cpulist`) ?? []).length > 0);
  return {
    [`${NODE}/online`]: `${formatIntSet(ids)}\n`,
    [`${NODE}/possible`]: `${formatIntSet(ids)}\n`,
    [`${NODE}/has_cpu`]: `${formatIntSet(hasCpu)}\n`,
    [`${NODE}/has_memory`]: `${formatIntSet(ids.filter((id) => memory(id) > 0))}\n`,
  };
}
