import { HOST_METRICS } from './host-metrics.ts';
import type { Metric } from './metric.ts';
import { SERVER_METRICS } from './server-metrics.ts';
import { VM_METRICS } from './vm-metrics.ts';

/** The metrics of one kind of subject. */
export interface MetricGroup {
  readonly title: string;
  readonly metrics: readonly Metric[];
}

/**
 * Every metric there is, by what it is about: the one list from which the answer to Prometheus, the
 * table in docs/metrics.md and the Grafana dashboard are made.
 */
export const METRIC_GROUPS: readonly MetricGroup[] = [
  { title: 'Hosts', metrics: HOST_METRICS },
  { title: 'VMs', metrics: VM_METRICS },
  { title: 'The server', metrics: SERVER_METRICS },
];

/** All of them. */
export const METRICS: readonly Metric[] = METRIC_GROUPS.flatMap(({ metrics }) => metrics);
