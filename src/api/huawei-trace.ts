import { GIB } from '../base/units.ts';
import type { Arrival } from '../model/arrival.ts';
import type { HostSnapshot } from '../model/host.ts';
import type { HostTopology } from '../model/topology.ts';
import { MACHINE_CELLS_MAX, MACHINE_CPUS_MAX } from '../model/machine-description.ts';
import { OVER_HOST } from '../model/relation.ts';
import type { CsvFile, CsvRow } from './csv.ts';
import { csvError, readCsv } from './csv.ts';
import { gibField, GIB_MAX, vcpusField, wholeField } from './csv-number.ts';
import { noHosts } from './fleet-host.ts';
import { Flavors } from './flavors.ts';
import { plainHost, plainTopology } from './workload-hosts.ts';

const STRATEGIES = ['', 'affinity', 'anti-affinity', 'fault_domain'];

/**
 * Requests of a Huawei sequence: dedicated guests cut over one or two cells; the n-th comes at n
 * seconds, and none leaves. The files do not say which server is in which rack, so that a strategy
 * means servers: `affinity` prefers the servers of its group, `anti-affinity` has each guest of the
 * group on a server of its own, and of a `fault_domain` group no server has guests of two domains.
 */
export function readHuaweiTrace({ where, rows }: CsvFile): readonly Arrival[] {
  const all = [...rows];
  const domains = domainsOf(all);
  const flavors = new Flavors();
  return all.map((row, at) => {
    const cells = wholeField({ row, where, column: 'numa_nodes' }, 1, MACHINE_CELLS_MAX);
    const vcpus = vcpusField({ row, where, column: 'vcpu' });
    const memoryBytes = gibField({ row, where, column: 'mem_gib' });
    const line = row.line;
    if (vcpus % cells !== 0 || (memoryBytes / 4096) % cells !== 0) {
      const problem = `${vcpus} vCPUs and ${memoryBytes / GIB} GiB cannot be split evenly over ${cells} cells`;
      throw csvError({ where, line }, problem, `multiples of ${cells}`);
    }
    const strategy = row.get('strategy') ?? '';
    if (!STRATEGIES.includes(strategy)) {
      throw csvError(
        { where, line },
        `unknown strategy "${strategy}"`,
        STRATEGIES.map((one) => one || 'nothing').join(', '),
      );
    }
    const flavor = flavors.of({ vcpus, memoryBytes, policy: 'dedicated', cells });
    return { at, flavor, ...relationsOf(row, domains) };
  });
}

/** The fault domains of each group. */
function domainsOf(rows: readonly CsvRow[]): ReadonlyMap<string, ReadonlySet<string>> {
  const domains = new Map<string, Set<string>>();
  for (const row of rows.filter((one) => one.get('strategy') === 'fault_domain')) {
    const group = row.get('group') ?? '';
    domains.set(group, (domains.get(group) ?? new Set()).add(row.get('fault_domain') ?? ''));
  }
  return domains;
}

function relationsOf(
  row: CsvRow,
  domains: ReadonlyMap<string, ReadonlySet<string>>,
): Pick<Arrival, 'labels' | 'rules'> {
  const group = row.get('group') ?? '';
  const rule = (selector: string, hard: boolean) => ({ selector, over: OVER_HOST, hard });
  switch (row.get('strategy')) {
    case 'affinity':
      return {
        labels: { near: group },
        rules: { affinity: [rule(`near=${group}`, false)] },
      };
    case 'anti-affinity':
      return {
        labels: { apart: group },
        rules: { antiAffinity: [rule(`apart=${group}`, true)] },
      };
    case 'fault_domain': {
      const own = row.get('fault_domain') ?? '';
      const others = [...(domains.get(group) ?? [])].filter((domain) => domain !== own);
      return {
        labels: { domain: `${group}.${own}` },
        rules: { antiAffinity: others.map((domain) => rule(`domain=${group}.${domain}`, true)) },
      };
    }
    default:
      return {};
  }
}

const SERVER_COLUMNS = [
  'server_row',
  'node0_free_vcpu',
  'node0_free_mem_gib',
  'node1_free_vcpu',
  'node1_free_mem_gib',
];

/**
 * Reads the servers that Huawei's sequences are to be placed on: two cells each, with a pCPU for each
 * free vCPU. A server without a free vCPU is left out, as nothing can be placed there.
 * @throws BERTH_SPEC_INVALID with the line of what is wrong.
 */
export function parseServers(text: string, where: string): readonly HostSnapshot[] {
  const { columns, rows } = readCsv(text, where);
  const missing = SERVER_COLUMNS.filter((name) => !columns.includes(name));
  if (missing.length > 0) {
    const problem = `there is no column ${missing.join(', ')}`;
    throw csvError({ where, line: 1 }, problem, SERVER_COLUMNS.join(','));
  }
  const names = new Set<string>();
  const topologies = new Map<string, HostTopology>();
  const hosts = [...rows].flatMap((row) => {
    const name = `server-${String(wholeField({ row, where, column: 'server_row' }, 0, Number.MAX_SAFE_INTEGER)).padStart(4, '0')}`;
    if (names.has(name)) {
      throw csvError({ where, line: row.line }, `${name} is there twice`, 'each server once');
    }
    names.add(name);
    const figures = SERVER_COLUMNS.slice(1).map((column) =>
      wholeField({ row, where, column }, 0, column.endsWith('gib') ? GIB_MAX : MACHINE_CPUS_MAX),
    );
    const [cpus0 = 0, gib0 = 0, cpus1 = 0, gib1 = 0] = figures;
    if (cpus0 + cpus1 === 0) return [];
    const topology = topologies.get(figures.join()) ?? twoCells([cpus0, gib0], [cpus1, gib1]);
    topologies.set(figures.join(), topology);
    return [plainHost(name, { topology, policy: SERVER_POLICY })];
  });
  if (hosts.length === 0) throw noHosts(where);
  return hosts;
}

/** What is free is free: nothing is kept for the host or for QEMU, and nothing overcommitted. */
export const SERVER_POLICY = {
  reservedCpus: [],
  reservedBytes: 0,
  cpuRatio: 1,
  ramRatio: 1,
  overhead: 'none',
} as const;

type CellSize = readonly [cpus: number, gib: number];

function twoCells(first: CellSize, second: CellSize): HostTopology {
  const cell = ([cpus, gib]: CellSize, from: number) => ({
    cores: Array.from({ length: cpus }, (_, core) => [from + core]),
    memoryBytes: gib * GIB,
    pools: [],
  });
  return plainTopology([cell(first, 0), cell(second, first[0])]);
}
