import { berthError } from '../base/errors.ts';
import { MIB } from '../base/units.ts';
import type { HostPolicy, HostSnapshot } from '../model/host.ts';
import type { Cell, HostTopology } from '../model/topology.ts';
import { topologyProblems } from '../model/topology.ts';
import { MIB_MAX } from './csv-number.ts';
import { pathText } from './schema-error.ts';
import type { WorkloadFleet } from './workload-file.ts';

type HostDocument = WorkloadFleet['hosts'][number];
type CellDocument = HostDocument['cells'][number];

/** The most hosts that one workload may describe. */
export const WORKLOAD_HOSTS_MAX = 1_000_000;

/**
 * The hosts of a workload, `name-0000` and so on. Those of one entry share their topology.
 * @throws BERTH_SPEC_INVALID naming the path of what contradicts itself, BERTH_TOO_LARGE for
 *   too many hosts.
 */
export function workloadHosts({ hosts, ratios }: WorkloadFleet): readonly HostSnapshot[] {
  const size = hosts.reduce((sum, { count }) => sum + count, 0);
  if (size > WORKLOAD_HOSTS_MAX) {
    throw berthError('BERTH_TOO_LARGE', {
      what: 'the number of hosts',
      size,
      max: WORKLOAD_HOSTS_MAX,
    });
  }
  const names = new Set<string>();
  return hosts.flatMap((host, index) => {
    if (names.has(host.name)) {
      throw wrong(['hosts', index, 'name'], `a host named ${host.name} is listed twice`);
    }
    names.add(host.name);
    checkCells(host, index);
    const topology = topologyOf(host.cells);
    const [problem] = topologyProblems(topology);
    if (problem !== undefined) throw wrong(['hosts', index, 'cells'], problem);
    const policy = policyOf(host, ratios);
    return Array.from({ length: host.count }, (_, i) =>
      plainHost(`${host.name}-${String(i).padStart(4, '0')}`, { topology, policy }),
    );
  });
}

/** A host about which nothing else is known. */
export function plainHost(
  name: string,
  what: { readonly topology: HostTopology; readonly policy: HostPolicy },
): HostSnapshot {
  return {
    name,
    uri: 'test:///default',
    observedAt: 0,
    libvirtVersion: 0,
    domainTypes: ['kvm'],
    topology: what.topology,
    policy: what.policy,
    seats: [],
  };
}

/** What one cell of a host has, in the figures that workloads and traces give. */
export interface CellFigures {
  /** SMT siblings together, by pCPU number. */
  readonly cores: readonly (readonly number[])[];
  readonly memoryBytes: number;
  readonly pools: readonly { readonly sizeKiB: number; readonly total: number }[];
}

/** A machine of those cells: each a socket of its own, one as far from the other as any. */
export function plainTopology(cells: readonly CellFigures[]): HostTopology {
  return {
    arch: 'x86_64',
    cells: cells.map((cell, id) => plainCell(cell, id, cells.length)),
    offlineCpus: [],
    pciAnywhere: [],
  };
}

function plainCell(cell: CellFigures, id: number, cells: number): Cell {
  const pools = cell.pools.toSorted((a, b) => a.sizeKiB - b.sizeKiB);
  const pooledKiB = pools.reduce((sum, pool) => sum + pool.sizeKiB * pool.total, 0);
  const ordinary = Math.max(0, Math.floor((cell.memoryBytes / 1024 - pooledKiB) / 4));
  const pages = [{ sizeKiB: 4, total: ordinary }, ...pools];
  return {
    id,
    memoryBytes: cell.memoryBytes,
    freeBytes: cell.memoryBytes,
    pages: pages.map((pool) => ({ ...pool, free: pool.total })),
    distances: Array.from({ length: cells }, (_, other) => (other === id ? 10 : 20)),
    cpus: cell.cores.flatMap((siblings, core) =>
      siblings.map((cpu) => ({
        id: cpu,
        socket: id,
        die: 0,
        core,
        siblings: siblings.toSorted((a, b) => a - b),
        online: true,
      })),
    ),
    pci: [],
  };
}

function topologyOf(cells: readonly CellDocument[]): HostTopology {
  return plainTopology(
    cells.map((cell) => ({
      cores: cell.cpus,
      memoryBytes: cell.memoryMiB * MIB,
      pools: cell.hugepages,
    })),
  );
}

/** What Nova and Placement count: every page, no overhead, floating vCPUs on pCPUs of their own. */
function policyOf({ cells }: HostDocument, ratios: WorkloadFleet['ratios']): HostPolicy {
  return {
    reservedCpus: [],
    reservedBytes: 0,
    cpuRatio: ratios.cpu,
    ramRatio: ratios.ram,
    boundRatio: ratios.ram,
    sharedCpus: cells.flatMap((cell) => cell.shared ?? []),
    ramCounts: 'all',
    overhead: 'none',
    guestWidth: 'host',
  };
}

function checkCells({ cells }: HostDocument, index: number): void {
  const memoryMiB = cells.reduce((sum, cell) => sum + cell.memoryMiB, 0);
  if (memoryMiB > MIB_MAX) {
    const problem = `${memoryMiB} MiB of memory, more than the ${MIB_MAX} MiB that can be counted`;
    throw wrong(['hosts', index, 'cells'], problem);
  }
  const seen = new Set<number>();
  for (const [at, cell] of cells.entries()) {
    const path = ['hosts', index, 'cells', at];
    const own = new Set(cell.cpus.flat());
    for (const cpu of cell.cpus.flat()) {
      if (seen.has(cpu)) throw wrong([...path, 'cpus'], `pCPU ${cpu} is listed twice`);
      seen.add(cpu);
    }
    for (const [index, cpu] of (cell.shared ?? []).entries()) {
      if (!own.delete(cpu)) {
        const problem =
          cell.shared?.slice(0, index).includes(cpu) === true
            ? `pCPU ${cpu} is listed twice`
            : `pCPU ${cpu} is none of the cell's own`;
        throw wrong([...path, 'shared'], problem);
      }
    }
    const sizes = new Set(cell.hugepages.map((pool) => pool.sizeKiB));
    if (sizes.size < cell.hugepages.length) {
      throw wrong([...path, 'hugepages'], 'two pools have pages of one size');
    }
    const pooled = cell.hugepages.reduce((sum, pool) => sum + pool.sizeKiB * pool.total, 0);
    if (pooled > cell.memoryMiB * 1024) {
      const have = `${Math.ceil(pooled / 1024)} MiB of pages in ${cell.memoryMiB} MiB of memory`;
      throw wrong([...path, 'hugepages'], have);
    }
  }
}

function wrong(path: readonly (string | number)[], problem: string): Error {
  const expected = 'a machine that can exist';
  return berthError('BERTH_SPEC_INVALID', { where: pathText(path), problem, expected });
}
