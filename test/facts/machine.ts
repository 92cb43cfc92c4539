import type { Cell, Cpu, HostTopology } from '../../src/model/topology.ts';
import { formatIntSet } from '../../src/base/int-set.ts';
import type { HostFacts } from '../../src/facts/host-topology.ts';
import { el, renderXml } from '../../src/xml/index.ts';

/** A made-up machine: what it is, and so what libvirt and the kernel must say of it. */
export interface Shape {
  readonly sockets: number;
  readonly diesPerSocket: number;
  readonly cellsPerDie: number;
  /** Cores of each cell in turn, so that cells can be uneven. */
  readonly coresPerCell: readonly number[];
  readonly threads: number;
  readonly coresPerL3: number;
  /** Cells without CPUs behind the others, as CXL memory makes them. */
  readonly memoryOnlyCells: number;
  readonly offline: readonly number[];
  /** Cell numbers can have gaps. */
  readonly cellStep: number;
}

interface Row extends Omit<Cpu, 'l3' | 'siblings'> {
  readonly l3: number;
  readonly cell: number;
  readonly threads: readonly number[];
}

export interface Machine {
  readonly topology: HostTopology;
  readonly capabilitiesXml: string;
  readonly files: Readonly<Record<string, string>>;
  readonly freeMemory: NonNullable<HostFacts['freeMemory']>;
  readonly freePages: NonNullable<HostFacts['freePages']>;
}

export function makeMachine(shape: Shape): Machine {
  const rows = makeRows(shape);
  const topology = expectedTopology(shape, rows);
  return {
    topology,
    capabilitiesXml: capabilitiesOf(topology),
    files: filesOf(topology, rows),
    freeMemory: topology.cells.map(({ id, freeBytes }) => ({ cell: id, bytes: freeBytes })),
    freePages: topology.cells.flatMap(({ id, pages }) =>
      pages.map(({ sizeKiB, free }) => ({ cell: id, sizeKiB, free })),
    ),
  };
}

/** Linux on x86 numbers the first threads of all cores, then the second ones; cores per socket. */
function makeRows(shape: Shape): readonly Row[] {
  const cells = shape.sockets * shape.diesPerSocket * shape.cellsPerDie;
  const cores: Omit<Row, 'id' | 'online' | 'threads'>[] = [];
  for (let cell = 0, l3 = -1; cell < cells; cell++) {
    const dieAt = Math.floor(cell / shape.cellsPerDie);
    const socket = Math.floor(dieAt / shape.diesPerSocket);
    const inDie = (other: { socket: number; die: number }): boolean =>
      other.socket === socket && other.die === dieAt % shape.diesPerSocket;
    const count = shape.coresPerCell[cell % shape.coresPerCell.length] ?? 1;
    for (let core = 0; core < count; core++) {
      if (core % shape.coresPerL3 === 0) l3++;
      const before = cores.filter(inDie).length;
      const die = dieAt % shape.diesPerSocket;
      cores.push({ cell: cell * shape.cellStep, socket, die, l3, core: before });
    }
  }
  return Array.from({ length: shape.threads }, (_, thread) =>
    cores.map((core, index): Row => {
      const id = thread * cores.length + index;
      const threads = Array.from({ length: shape.threads }, (_, t) => t * cores.length + index);
      return { ...core, id, threads, online: !shape.offline.includes(id) };
    }),
  ).flat();
}

function expectedTopology(shape: Shape, rows: readonly Row[]): HostTopology {
  const online = rows.filter((row) => row.online);
  const count = shape.sockets * shape.diesPerSocket * shape.cellsPerDie + shape.memoryOnlyCells;
  const cells = Array.from({ length: count }, (_, index): Cell => {
    const id = index * shape.cellStep;
    const memoryKiB = 4 * 1024 ** 2 * (1 + (index % 3));
    const huge = 3 + index;
    return {
      id,
      memoryBytes: memoryKiB * 1024,
      freeBytes: memoryKiB * 512,
      pages: [
        { sizeKiB: 4, total: memoryKiB / 4 - huge * 512, free: memoryKiB / 8 - huge * 512 },
        { sizeKiB: 2048, total: huge, free: huge - 2 },
      ],
      distances: Array.from({ length: count }, (_, other) => (other === index ? 10 : 11 + other)),
      cpus: online.filter((row) => row.cell === id).map((row) => cpuOf(row, online)),
      pci: [],
    };
  });
  const offlineCpus = rows.filter((row) => !row.online).map((row) => row.id);
  return { arch: 'x86_64', cells, offlineCpus, pciAnywhere: [] };
}

function cpuOf({ id, socket, die, l3, core, threads }: Row, online: readonly Row[]): Cpu {
  const siblings = threads.filter((thread) => online.some((row) => row.id === thread));
  return { id, socket, die, l3, core, siblings, online: true };
}

function cpusOf(topology: HostTopology): readonly Cpu[] {
  return topology.cells.flatMap((cell) => cell.cpus);
}

function capabilitiesOf(topology: HostTopology): string {
  const cells = topology.cells.map((cell) =>
    el(
      'cell',
      { id: cell.id },
      el('memory', { unit: 'KiB' }, cell.memoryBytes / 1024),
      ...cell.pages.map(({ sizeKiB, total }) => el('pages', { unit: 'KiB', size: sizeKiB }, total)),
      el(
        'distances',
        {},
        ...topology.cells.map(({ id }, index) =>
          el('sibling', { id, value: cell.distances[index] }),
        ),
      ),
      el(
        'cpus',
        { num: cell.cpus.length },
        ...cell.cpus.map(({ id, socket, die, core, siblings }) =>
          el('cpu', {
            id,
            socket_id: socket,
            die_id: die,
            core_id: core,
            siblings: formatIntSet(siblings),
          }),
        ),
      ),
    ),
  );
  const banks = Map.groupBy(cpusOf(topology), (cpu) => cpu.l3)
    .entries()
    .map(([id, cpus]) =>
      el('bank', {
        id,
        level: 3,
        type: 'both',
        size: 16,
        unit: 'MiB',
        cpus: formatIntSet(cpus.map((cpu) => cpu.id)),
      }),
    );
  return renderXml(
    el(
      'capabilities',
      {},
      el(
        'host',
        {},
        el('cpu', {}, el('arch', {}, topology.arch)),
        el('topology', {}, el('cells', { num: cells.length }, ...cells)),
        el('cache', {}, ...banks),
      ),
    ),
  );
}

function filesOf(topology: HostTopology, rows: readonly Row[]): Readonly<Record<string, string>> {
  const cpu = 'sys/devices/system/cpu';
  const online = rows.filter((row) => row.online);
  const list = (some: readonly Row[]): string => `${formatIntSet(some.map((row) => row.id))}\n`;
  const files: [string, string | number][] = [
    [`${cpu}/present`, list(rows)],
    [`${cpu}/online`, list(online)],
  ];
  for (const row of rows) {
    files.push([`${cpu}/cpu${row.id}/online`, row.online ? 1 : 0]);
    if (!row.online) continue;
    const topology = `${cpu}/cpu${row.id}/topology`;
    const cache = `${cpu}/cpu${row.id}/cache`;
    files.push(
      [`${topology}/physical_package_id`, row.socket],
      [`${topology}/die_id`, row.die],
      [`${topology}/core_id`, row.core],
      [
        `${topology}/thread_siblings_list`,
        list(online.filter(({ threads }) => threads.includes(row.id))),
      ],
      [`${cache}/index0/level`, 1],
      [`${cache}/index0/shared_cpu_list`, list([row])],
      [`${cache}/index3/level`, 3],
      [`${cache}/index3/id`, row.l3],
      [`${cache}/index3/shared_cpu_list`, list(online.filter(({ l3 }) => l3 === row.l3))],
    );
  }
  for (const cell of topology.cells) {
    const node = `sys/devices/system/node/node${cell.id}`;
    const [, huge] = cell.pages;
    files.push(
      [`${node}/cpulist`, `${formatIntSet(cell.cpus.map(({ id }) => id))}\n`],
      [`${node}/distance`, cell.distances.join(' ')],
      [
        `${node}/meminfo`,
        `Node ${cell.id} MemTotal:  ${cell.memoryBytes / 1024} kB\nNode ${cell.id} MemFree: ${cell.freeBytes / 1024} kB\n`,
      ],
      [`${node}/hugepages/hugepages-2048kB/nr_hugepages`, huge?.total ?? 0],
      [`${node}/hugepages/hugepages-2048kB/free_hugepages`, huge?.free ?? 0],
    );
  }
  return Object.fromEntries(files.map(([path, text]) => [path, `${text}`]));
}
