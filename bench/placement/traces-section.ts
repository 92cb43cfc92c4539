import { parseServers, SERVER_POLICY } from '../../src/api/huawei-trace.ts';
import { parseTrace } from '../../src/api/trace-file.ts';
import type { Workload } from '../../src/api/workload-file.ts';
import { plainHost, plainTopology } from '../../src/api/workload-hosts.ts';
import { present } from '../../src/base/assert.ts';
import { GIB } from '../../src/base/units.ts';
import { policyNamed } from '../../src/engine/policy/policy.ts';
import type { Arrival } from '../../src/model/arrival.ts';
import type { HostSnapshot } from '../../src/model/host.ts';
import type { BenchCell, BenchTable, TableOptions } from '../table.ts';
import { absence, dataText } from './data.ts';
import { replayed, REPLAYED_COLUMNS } from './replayed.ts';
import { RIVALS } from './workloads-section.ts';

const HUAWEI = 'numa-placement-huawei-cc0';
const SERVERS = `${HUAWEI}/servers-two-numa-nodes-free-capacity.csv.gz`;
const SEQUENCES = ['C1', 'C2', 'C4'].map((name) => ({
  name,
  file: `${HUAWEI}/vm-requests-sequence-${name}.csv.gz`,
}));
const AZURE = 'vm-requests/azure-v1-requests-with-lifetimes-day20-24.csv.gz';

/** Requests of the Azure trace that are replayed: the first ones. */
const AZURE_ROWS = 100_000;
const QUICK_ROWS = 1_500;

/** How much of the fleet the Azure trace wants when it wants most. */
const LOADS = [0.9, 1.05];

/** Real traces: the default policy beside first-fit and best-fit. */
export async function* traceTables(options: TableOptions): AsyncGenerator<BenchTable> {
  yield huaweiTable(options);
  yield azureTable(options);
}

const HOSTS_IN_USE = 'Hosts in use: those with a guest, mean over the second half of the requests.';

const COLUMNS = ['policy', ...REPLAYED_COLUMNS];

function rowsOf(name: string, workload: Workload): readonly (readonly BenchCell[])[] {
  return RIVALS.map((rival) => {
    const figures = replayed(workload, present(policyNamed(rival), rival));
    return [
      name,
      rival,
      figures.firstRefusal,
      figures.refused,
      figures.refusedVcpuPercent,
      figures.steadyHostsUsed,
      figures.decisionsPerSecond,
      figures.p99us,
    ];
  });
}

function huaweiTable({ isQuick, tell }: TableOptions): BenchTable {
  const servers = dataText(SERVERS);
  const traces = SEQUENCES.flatMap(({ name, file }) => {
    const text = dataText(file);
    return text === undefined ? [] : [{ name, arrivals: parseTrace(text, file).arrivals }];
  });
  const isThere = servers !== undefined && traces.length === SEQUENCES.length;
  const hosts = servers === undefined ? [] : parseServers(servers, SERVERS);
  const rows = (isThere ? traces : []).flatMap(({ name, arrivals }) => {
    tell(`traces: Huawei ${name}`);
    const some = isQuick ? arrivals.slice(0, QUICK_ROWS) : arrivals;
    const twice = [...some, ...some.map((arrival) => again(arrival, some.length))];
    return [
      ...rowsOf(`${name}, with groups`, { hosts, arrivals: twice }),
      ...rowsOf(`${name}, without`, { hosts, arrivals: twice.map(alone) }),
    ];
  });
  return {
    section: 'traces',
    title: "Huawei's two-node sequences on its servers",
    columns: ['sequence', ...COLUMNS],
    rows,
    notes: [
      HOSTS_IN_USE,
      'Each sequence comes twice over, as once does not fill the servers; the groups of the second time are groups of their own. Nobody leaves.',
      ...(isThere
        ? [`${hosts.length.toLocaleString('en')} servers have a free vCPU.`]
        : [absence([SERVERS, ...SEQUENCES.map(({ file }) => file)])]),
    ],
  };
}

/** The same guest later, and its group another one. */
function again({ at, labels, rules, ...arrival }: Arrival, later: number): Arrival {
  const other = (text: string): string => `${text}-again`;
  const named = labels === undefined ? [] : Object.entries(labels);
  const renamed = named.map(([key, value]) => [key, other(value)]);
  const near = rules?.affinity?.map((rule) => ({ ...rule, selector: other(rule.selector) }));
  const apart = rules?.antiAffinity?.map((rule) => ({ ...rule, selector: other(rule.selector) }));
  return {
    ...arrival,
    at: at + later,
    ...(labels === undefined ? {} : { labels: Object.fromEntries(renamed) }),
    ...(near === undefined && apart === undefined
      ? {}
      : {
          rules: {
            ...(near === undefined ? {} : { affinity: near }),
            ...(apart === undefined ? {} : { antiAffinity: apart }),
          },
        }),
  };
}

/** The same guest, near and apart from nobody. */
function alone({ at, until, flavor }: Arrival): Arrival {
  return { at, ...(until === undefined ? {} : { until }), flavor };
}

function azureTable({ isQuick, tell }: TableOptions): BenchTable {
  const text = dataText(AZURE);
  const all = text === undefined ? [] : parseTrace(text, AZURE).arrivals;
  const arrivals = all.slice(0, isQuick ? QUICK_ROWS : AZURE_ROWS);
  const rows = (text === undefined ? [] : LOADS).flatMap((load) => {
    const hosts = azureFleet(arrivals, load);
    tell(`traces: Azure on ${hosts.length} hosts`);
    return rowsOf(`${Math.round(load * 100)} %: ${hosts.length} hosts`, { hosts, arrivals });
  });
  return {
    section: 'traces',
    title: 'The Azure trace on a two-cell fleet',
    columns: ['wanted at the peak', ...COLUMNS],
    rows,
    notes: [
      HOSTS_IN_USE,
      `Its first ${(isQuick ? QUICK_ROWS : AZURE_ROWS).toLocaleString('en')} requests.`,
      'Hosts of two cells with 20 cores of two threads and 90 GiB each. The peak is that of pCPUs or of memory, whichever is the larger share of the fleet, were nobody refused.',
      ...(text === undefined ? [absence([AZURE])] : []),
    ],
  };
}

const CELL = { cores: 20, gib: 90 };

/** As many hosts as are full so far when the trace wants most. */
function azureFleet(arrivals: readonly Arrival[], load: number): readonly HostSnapshot[] {
  const cores = Array.from({ length: CELL.cores }, (_, core) => core);
  const topology = plainTopology(
    [0, 1].map((cell) => ({
      cores: cores.map((core) => [
        cell * CELL.cores + core,
        2 * CELL.cores + cell * CELL.cores + core,
      ]),
      memoryBytes: CELL.gib * GIB,
      pools: [],
    })),
  );
  const count = Math.ceil(peakHosts(arrivals) / load);
  return Array.from({ length: count }, (_, index) =>
    plainHost(`a${index}`, { topology, policy: SERVER_POLICY }),
  );
}

/** The most that is wanted at one time, in hosts. */
function peakHosts(arrivals: readonly Arrival[]): number {
  const events = arrivals.flatMap(({ at, until, flavor }) => [
    { at, flavor, sign: 1 },
    ...(until === undefined ? [] : [{ at: until, flavor, sign: -1 }]),
  ]);
  let [cpus, gib, most] = [0, 0, 0];
  for (const { flavor, sign } of events.toSorted((a, b) => a.at - b.at || a.sign - b.sign)) {
    cpus += sign * flavor.vcpus;
    gib += (sign * flavor.memoryBytes) / GIB;
    most = Math.max(most, cpus / (4 * CELL.cores), gib / (2 * CELL.gib));
  }
  return most;
}
