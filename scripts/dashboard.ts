import { mkdirSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import type { Metric } from '../src/server/metrics/metric.ts';
import { METRICS } from '../src/server/metrics/metric-list.ts';

/**
 * The Grafana dashboard, made from the list of metrics: `node scripts/dashboard.ts`. A panel names
 * metrics of the list, and what it takes of unit and description is the list's own.
 */

export const DASHBOARD_FILE = 'docs/grafana/berth.json';

/** One panel: what is asked for, with NAME where the metric's name belongs. */
interface PanelPlan {
  readonly title: string;
  readonly metric: string;
  /** PromQL; the metric as it is when absent. */
  readonly ask?: string;
  readonly legend: string;
  /** Grafana's word; that of the metric's own unit when absent. */
  readonly unit?: string;
}

interface RowPlan {
  readonly title: string;
  readonly panels: readonly PanelPlan[];
}

const RATE = 'rate(NAME{FILTER}[$__rate_interval])';
/** How many VMs a panel shows: the ones that stand out. */
const TOP = 10;

const ROWS: readonly RowPlan[] = [
  {
    title: 'Hosts',
    panels: [
      { title: 'Hosts that answer', metric: 'berth_host_up', legend: '{{host}}' },
      {
        title: 'CPU',
        metric: 'berth_host_cpu_seconds_total',
        ask: 'sum by (host) (rate(NAME{FILTER,mode!~"idle|iowait"}[$__rate_interval]))',
        legend: '{{host}}',
        unit: 'short',
      },
      {
        title: 'Free memory by cell',
        metric: 'berth_host_cell_memory_free_bytes',
        legend: '{{host}} cell {{cell}}',
      },
      {
        title: 'pCPUs by who may use them',
        metric: 'berth_host_cpus',
        legend: '{{host}} {{state}}',
      },
      {
        title: 'Free pages by pool',
        metric: 'berth_host_cell_pages_free',
        legend: '{{host}} cell {{cell}}, {{size_bytes}} bytes',
      },
      { title: 'VMs', metric: 'berth_host_vms', legend: '{{host}} {{state}}' },
      { title: 'Claims in flight', metric: 'berth_host_claims', legend: '{{host}}' },
      { title: 'Floating vCPUs', metric: 'berth_host_floating_vcpus', legend: '{{host}}' },
    ],
  },
  {
    title: 'VMs that stand out',
    panels: [
      top('CPU', 'berth_vm_cpu_seconds_total', 'short'),
      top('vCPUs that wait for a pCPU', 'berth_vm_vcpu_delay_seconds_total', 'percentunit'),
      {
        title: 'Memory of the host',
        metric: 'berth_vm_memory_resident_bytes',
        ask: `topk(${TOP}, NAME{FILTER})`,
        legend: '{{vm}}',
      },
      top('Disks: read', 'berth_vm_disk_read_bytes_total', 'Bps'),
      top('Disks: written', 'berth_vm_disk_write_bytes_total', 'Bps'),
      {
        title: 'Disks: time of a write',
        metric: 'berth_vm_disk_write_seconds_total',
        ask: `topk(${TOP}, ${RATE} / ${RATE.replace('NAME', 'berth_vm_disk_write_requests_total')})`,
        legend: '{{vm}} {{disk}}',
      },
      top('NICs: received', 'berth_vm_network_receive_bytes_total', 'Bps'),
      top('NICs: sent', 'berth_vm_network_transmit_bytes_total', 'Bps'),
      top('NICs: dropped', 'berth_vm_network_receive_drops_total', 'pps'),
    ],
  },
  {
    title: 'The server',
    panels: [
      own('Operations that ended', 'berth_operations_total', 'kind, state', '{{kind}} {{state}}'),
      slow('Operations: 95 % took less', 'berth_operation_duration_seconds', 'kind', '{{kind}}'),
      own('What changed', 'berth_fleet_changes_total', 'kind, change', '{{kind}} {{change}}'),
      own('Requests', 'berth_http_requests_total', 'route, status', '{{route}} {{status}}'),
      slow('Requests: 95 % took less', 'berth_http_request_duration_seconds', 'route', '{{route}}'),
      slow('Store: 95 % took less', 'berth_store_query_duration_seconds', undefined, 'store'),
      { title: 'The leader', metric: 'berth_leader', ask: 'NAME', legend: '{{instance}}' },
    ],
  },
];

const COLUMNS = 24;
const PANEL = { width: 8, height: 8 };

/** The dashboard as JSON that Grafana takes in (schema version 39: Grafana 11). */
export async function dashboardText(): Promise<string> {
  let y = 0;
  let id = 0;
  const panels = ROWS.flatMap(({ title, panels: plans }) => {
    const head = {
      id: ++id,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { x: 0, y: y++, w: COLUMNS, h: 1 },
    };
    const perRow = COLUMNS / PANEL.width;
    const body = plans.map((plan, index) => ({
      id: ++id,
      ...panelOf(plan),
      gridPos: {
        x: (index % perRow) * PANEL.width,
        y: y + Math.floor(index / perRow) * PANEL.height,
        w: PANEL.width,
        h: PANEL.height,
      },
    }));
    y += Math.ceil(plans.length / perRow) * PANEL.height;
    return [head, ...body];
  });
  const dashboard = {
    uid: 'berth',
    title: 'Berth',
    description:
      'Hosts, VMs and the server. Made from the list of metrics by scripts/dashboard.ts.',
    tags: ['berth'],
    schemaVersion: 39,
    editable: true,
    refresh: '30s',
    time: { from: 'now-3h', to: 'now' },
    templating: {
      list: [dataSource(), variable('host', 'berth_host_up'), variable('vm', 'berth_vm_info')],
    },
    panels,
  };
  const style = await resolveConfig(DASHBOARD_FILE);
  return format(JSON.stringify(dashboard), { ...style, parser: 'json' });
}

function panelOf({ title, metric, ask = 'NAME{FILTER}', legend, unit }: PanelPlan) {
  const found = metricNamed(metric);
  const filter = metric.startsWith('berth_vm_') ? 'host=~"$host",vm=~"$vm"' : 'host=~"$host"';
  return {
    type: 'timeseries',
    title,
    description: `${found.help}.`,
    datasource: { type: 'prometheus', uid: '${datasource}' },
    fieldConfig: {
      defaults: { unit: unit ?? found.unit?.replace('seconds', 's') ?? 'short', min: 0 },
      overrides: [],
    },
    targets: [
      {
        refId: 'A',
        expr: ask.replaceAll('NAME', metric).replaceAll('FILTER', filter),
        legendFormat: legend,
      },
    ],
  };
}

function metricNamed(name: string): Metric {
  const found = METRICS.find((metric) => metric.name === name);
  if (found === undefined) throw new Error(`the list has no metric ${name}`);
  return found;
}

function top(title: string, metric: string, unit: string): PanelPlan {
  const ask = `topk(${TOP}, sum by (vm, host) (${RATE}))`;
  return { title, metric, ask, legend: '{{vm}}', unit };
}

function own(title: string, metric: string, by: string, legend: string): PanelPlan {
  return { title, metric, ask: `sum by (${by}) (increase(NAME[$__rate_interval]))`, legend };
}

function slow(title: string, metric: string, by: string | undefined, legend: string): PanelPlan {
  const labels = by === undefined ? 'le' : `le, ${by}`;
  const ask = `histogram_quantile(0.95, sum by (${labels}) (rate(NAME_bucket[$__rate_interval])))`;
  return { title, metric, ask, legend };
}

function dataSource() {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' };
}

function variable(name: string, metric: string) {
  return {
    name,
    type: 'query',
    datasource: { type: 'prometheus', uid: '${datasource}' },
    query: { query: `label_values(${metric}, ${name})`, refId: name },
    refresh: 2,
    includeAll: true,
    multi: true,
    current: { text: 'All', value: '$__all' },
  };
}

if (import.meta.main) {
  mkdirSync('docs/grafana', { recursive: true });
  writeFileSync(DASHBOARD_FILE, await dashboardText());
}
