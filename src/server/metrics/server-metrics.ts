import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { OperationRecord } from '../../store/operations.ts';
import type { FleetChange } from '../fleet/fleet-changes.ts';
import type { Family, Sample } from './exposition.ts';
import { labelsText } from './exposition.ts';
import type { Metric } from './metric.ts';
import { unitOf } from './metric.ts';

/** Seconds; from a look at the store to an operation that copies a disk. */
const QUICK_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
const SLOW_BUCKETS = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 1800];
/** How many operations that have ended are remembered, so that none counts twice. */
const ENDED_MAX = 1000;

const ROWS = {
  serverInfo: row('berth_server_info', ['version'], 'Always 1; tells the version of the server'),
  leader: row('berth_leader', [], '1 in the process that does what one process does for all'),
  changes: row(
    'berth_fleet_changes_total',
    ['kind', 'change'],
    'What this process was told of its hosts and their VMs, by what happened',
    'counter',
  ),
  operations: row(
    'berth_operations_total',
    ['kind', 'state'],
    'Operations that this process carried out, by how they ended',
    'counter',
  ),
  operationsRunning: row(
    'berth_operations_running',
    ['kind'],
    'Operations that this process carries out now',
  ),
  operationSeconds: row(
    'berth_operation_duration_seconds',
    ['kind'],
    'How long operations took from being asked for to their end',
    'histogram',
  ),
  storeSeconds: row(
    'berth_store_query_duration_seconds',
    [],
    'How long the store took to answer',
    'histogram',
  ),
  storeFailures: row(
    'berth_store_query_failures_total',
    [],
    'What the store was asked for and refused',
    'counter',
  ),
  requests: row(
    'berth_http_requests_total',
    ['method', 'route', 'status'],
    'Requests to the API that were answered',
    'counter',
  ),
  requestSeconds: row(
    'berth_http_request_duration_seconds',
    ['method', 'route'],
    'How long answering a request to the API took',
    'histogram',
  ),
} as const;

/** Everything that the server counts of itself. */
export const SERVER_METRICS: readonly Metric[] = Object.values(ROWS);

/** One request that was answered. */
export interface AnsweredRequest {
  readonly method: string;
  /** As it was declared, so that names in paths make no series of their own. */
  readonly route: string;
  readonly status: number;
  readonly seconds: number;
}

/** What the server counts of itself while it runs, and what its process is. */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #changes = this.#counter(ROWS.changes);
  readonly #operations = this.#counter(ROWS.operations);
  readonly #operationsRunning = this.#gauge(ROWS.operationsRunning);
  readonly #operationSeconds = this.#histogram(ROWS.operationSeconds, SLOW_BUCKETS);
  readonly #storeSeconds = this.#histogram(ROWS.storeSeconds, QUICK_BUCKETS);
  readonly #storeFailures = this.#counter(ROWS.storeFailures);
  readonly #requests = this.#counter(ROWS.requests);
  readonly #requestSeconds = this.#histogram(ROWS.requestSeconds, QUICK_BUCKETS);
  readonly #running = new Map<string, string>();
  readonly #ended = new Set<string>();

  constructor(version: string) {
    this.#gauge(ROWS.serverInfo).set({ version }, 1);
    collectDefaultMetrics({ register: this.#registry });
  }

  /** Tells from now on whether this process does what one does for all. */
  leads(isLeader: () => boolean): void {
    const leader = this.#gauge(ROWS.leader, () => leader.set(isLeader() ? 1 : 0));
  }

  /** Counts something that happened in the fleet. */
  changed({ kind, change }: FleetChange): void {
    this.#changes.inc({ kind, change });
  }

  /** Hears of each change of an operation; its end counts once, however often it is told. */
  operated({ id, kind, state, startedAt, endedAt }: OperationRecord): void {
    if (endedAt === undefined) {
      if (!this.#running.has(id)) this.#operationsRunning.inc({ kind });
      this.#running.set(id, kind);
      return;
    }
    if (this.#running.delete(id)) this.#operationsRunning.dec({ kind });
    if (this.#ended.has(id)) return;
    this.#remember(id);
    this.#operations.inc({ kind, state });
    this.#operationSeconds.observe({ kind }, Math.max(0, endedAt - startedAt) / 1000);
  }

  /** Counts a question to the store. */
  asked(seconds: number, hasFailed: boolean): void {
    this.#storeSeconds.observe(seconds);
    if (hasFailed) this.#storeFailures.inc();
  }

  /** Counts a request. */
  answered({ method, route, status, seconds }: AnsweredRequest): void {
    this.#requests.inc({ method, route, status: `${status}` });
    this.#requestSeconds.observe({ method, route }, seconds);
  }

  /** Everything that was counted, and the process itself. */
  async families(): Promise<readonly Family[]> {
    const metrics = await this.#registry.getMetricsAsJSON();
    return metrics.filter(({ name }) => !MISNAMED.has(name)).map(familyOf);
  }

  #remember(id: string): void {
    this.#ended.add(id);
    if (this.#ended.size <= ENDED_MAX) return;
    for (const oldest of this.#ended) return void this.#ended.delete(oldest);
  }

  #counter({ name, help, labels: labelNames }: Metric): Counter {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  #gauge({ name, help, labels: labelNames }: Metric, collect?: () => void): Gauge {
    const registers = [this.#registry];
    const ask = collect === undefined ? {} : { collect };
    return new Gauge({ name, help, labelNames, registers, ...ask });
  }

  #histogram({ name, help, labels: labelNames }: Metric, buckets: number[]): Histogram {
    return new Histogram({ name, help, labelNames, buckets, registers: [this.#registry] });
  }
}

/** Gauges of prom-client whose names end as only those of counters may; their parts say the same. */
const MISNAMED: ReadonlySet<string> = new Set([
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]);

type MetricJson = Awaited<ReturnType<Registry['getMetricsAsJSON']>>[number];

function familyOf({ name, help, type, values }: MetricJson): Family {
  // The type is the word, whatever the declaration calls it.
  const kind = `${type}` as Metric['type'];
  // Not a number: nothing was measured yet.
  const told = values.filter(({ value }) => !Number.isNaN(value));
  return {
    metric: { name, help, type: kind, ...unitOf(name) },
    samples: told.map(sampleOf(name)),
  };
}

function sampleOf(name: string) {
  return (value: MetricJson['values'][number] & { readonly metricName?: string }): Sample => {
    const suffix = value.metricName?.slice(name.length) ?? '';
    const labels = Object.entries(value.labels);
    const names = labels.map(([label]) => label);
    const texts = labels.map(([, text]) => `${text}`);
    return { suffix, labels: labelsText(names, texts), value: value.value };
  };
}

function row(
  name: string,
  labels: string[],
  help: string,
  type: Metric['type'] = 'gauge',
): Metric & { readonly labels: string[] } {
  return { name, type, labels, help, source: 'the server', ...unitOf(name) };
}
