import { parseWorkload } from '../../src/api/workload-file.ts';
import type { Workload } from '../../src/api/workload-file.ts';
import { present } from '../../src/base/assert.ts';
import { POLICIES, policyNamed } from '../../src/engine/policy/policy.ts';
import type { BenchCell, BenchTable, TableOptions } from '../table.ts';
import { absence, dataText } from './data.ts';
import type { Habits } from './made-workloads.ts';
import { busier, habitsOf, madeWorkload, volumeBound } from './made-workloads.ts';
import { peerRows, PEERS_SOURCE } from './peers.ts';
import { Random } from './random.ts';
import type { Replayed } from './replayed.ts';
import { replayed, REPLAYED_COLUMNS } from './replayed.ts';

const NAMES = ['fading', 'churn', 'mixed'] as const;
const SEEDS = [101, 102, 103, 104, 105];
const QUICK_ROWS = 1_500;

/** Those that the default is put beside, on other seeds and on traces. */
export const RIVALS = ['default', 'best-fit', 'first-fit'] as const;

/** What churn asks of the fleet's pCPUs as published, and what is asked of it in a second row. */
const CHURN_LOAD = 0.88;
const HARDER_LOAD = 0.96;

/** The published workloads with every policy, then such workloads drawn anew. */
export async function* workloadTables(options: TableOptions): AsyncGenerator<BenchTable> {
  const known = NAMES.flatMap((name) => {
    const text = dataText(`../bench/${name}.json`);
    return text === undefined ? [] : [{ name, workload: parseWorkload(text, `${name}.json`) }];
  });
  const missing = NAMES.filter((name) => known.every((one) => one.name !== name));
  const absent =
    missing.length === 0 ? [] : [absence(missing.map((name) => `../bench/${name}.json`))];
  yield { ...publishedTable(known, options), notes: [PEERS_SOURCE, STEADY, ...absent] };
  yield { ...seedsTable(known, options), notes: [DRAWN, ...absent] };
}

const STEADY =
  "Hosts in use: those with a guest, mean over the requests after the first hour (`steadyFrom` in the files), over which the published ones are taken too: by this measure first-fit comes out as published. The first refusal is a request's index from 0: so many were placed before it.";
const DRAWN =
  'Drawn anew: flavors one independent of the other, as often as in the file; the same first hour, then Poisson arrivals, exponential lifetimes. Each cell: the mean over the seeds, and the worst of them. The volume bound is what would fit were the fleet one large cell.';

interface Named {
  readonly name: string;
  readonly workload: Workload;
}

type Unnoted = Omit<BenchTable, 'notes'>;

function publishedTable(known: readonly Named[], { isQuick, tell }: TableOptions): Unnoted {
  const rows = known.flatMap(({ name, workload }) => [
    ...POLICIES.map((policy) => {
      tell(`workloads: ${name}, ${policy.name}`);
      const figures = replayed(isQuick ? shortened(workload) : workload, policy);
      return [
        name,
        policy.name,
        figures.firstRefusal,
        figures.refused,
        figures.refusedVcpuPercent,
        figures.hostsAfterAnHour,
        figures.decisionsPerSecond,
        figures.p99us,
      ];
    }),
    ...peerRows(name).map((row) => [name, ...row, null]),
  ]);
  return {
    section: 'workloads',
    title: 'The three workloads, every policy, and what peers reached',
    columns: ['workload', 'placer', ...REPLAYED_COLUMNS],
    rows,
  };
}

function shortened({ hosts, arrivals }: Workload): Workload {
  return { hosts, arrivals: arrivals.slice(0, QUICK_ROWS) };
}

function seedsTable(known: readonly Named[], { isQuick, tell }: TableOptions): Unnoted {
  const seeds = isQuick ? SEEDS.slice(0, 1) : SEEDS;
  const kinds = known.flatMap(({ name, workload }) => {
    const habits = habitsOf(workload);
    const harder = { kind: 'churn at 96 %', habits: busier(habits, HARDER_LOAD / CHURN_LOAD) };
    return [{ kind: name, habits }, ...(name === 'churn' ? [harder] : [])];
  });
  const rows = kinds.flatMap(({ kind, habits }) => {
    const drawn = seeds.map((seed) => {
      const made = madeWorkload(habits, new Random(seed));
      return isQuick ? shortened(made) : made;
    });
    return RIVALS.map((policy) => {
      tell(`workloads: ${kind} on ${seeds.length} other seeds, ${policy}`);
      return [kind, policy, ...seedCells(drawn, policy, habits)];
    });
  });
  return {
    section: 'workloads',
    title: `Such workloads on ${seeds.length} other seeds (${seeds.join(', ')}): mean, worst`,
    columns: [
      'workload',
      'policy',
      'first refusal',
      'of the volume bound, %',
      'refused',
      'refused vCPUs, %',
      'hosts in use',
    ],
    rows,
  };
}

function seedCells(
  workloads: readonly Workload[],
  policy: (typeof RIVALS)[number],
  { life }: Habits,
): readonly BenchCell[] {
  const rule = present(policyNamed(policy), policy);
  const all = workloads.map((workload) => {
    const figures = replayed(workload, rule);
    const first = figures.firstRefusal ?? figures.requests;
    return { figures, first, bound: volumeBound(workload) };
  });
  const least = (pick: (one: (typeof all)[number]) => number): string =>
    meanAndWorst(all.map(pick), 'least');
  const most = (pick: (figures: Replayed) => number): string =>
    meanAndWorst(
      all.map(({ figures }) => pick(figures)),
      'most',
    );
  return [
    life === undefined ? least(({ first }) => first) : null,
    life === undefined
      ? least(({ first, bound }) => (100 * first) / present(bound, 'the bound'))
      : null,
    most(({ refused }) => refused),
    most(({ refusedVcpuPercent }) => refusedVcpuPercent),
    life === undefined ? null : most(({ hostsAfterAnHour }) => hostsAfterAnHour ?? 0),
  ];
}

function meanAndWorst(values: readonly number[], worst: 'least' | 'most'): string {
  const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
  const extreme = worst === 'least' ? Math.min(...values) : Math.max(...values);
  const text = (value: number): string =>
    value.toLocaleString('en', { maximumFractionDigits: value >= 100 ? 1 : 2 });
  return `${text(mean)}, ${text(extreme)}`;
}
