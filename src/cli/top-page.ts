import type {
  HostUsageList,
  HostUsageView,
  UsageFigure,
  VmUsageList,
  VmUsageView,
} from '../api/metrics.ts';
import { formatSize } from '../base/units.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';
import type { Column } from './table.ts';

/** What there is to see: the VMs or the hosts that use most. */
export type TopList = VmUsageList | HostUsageList;

const NOT_KNOWN = '-';
const FIGURE_TITLES: Readonly<Record<UsageFigure, string>> = {
  cpu: 'CPU',
  wait: 'WAIT',
  memory: 'MEMORY',
  disk: 'DISK/S',
  net: 'NET/S',
};

/** The page of `top`: what is sorted by stands out. */
export function topPage(list: TopList, sort: UsageFigure, look: Look): string {
  const { bold, dim } = painter(look);
  const shown = printable(list);
  const figures = Object.entries(FIGURE_TITLES).map(([figure, title]): Column => {
    return { title: figure === sort ? bold(`${title} ${mark(look)}`) : title, align: 'right' };
  });
  const lines =
    'vms' in shown
      ? tableLines(
          [{ title: 'VM' }, { title: 'HOST' }, { title: 'STATE' }, ...figures],
          shown.vms.map(vmRow),
          dim,
        )
      : tableLines(
          [{ title: 'HOST' }, { title: 'STATE' }, { title: 'VMS', align: 'right' }, ...figures],
          shown.hosts.map(hostRow),
          dim,
        );
  const count = 'vms' in shown ? shown.vms.length : shown.hosts.length;
  const kind = 'vms' in shown ? 'VMs' : 'hosts';
  const none = `no figures of ${kind} yet: they are read every ten seconds`;
  const body = count === 0 ? [dim(none)] : lines;
  const rest = shown.total > count ? [dim(`${shown.total - count} more`)] : [];
  return `${[...body, ...rest].join('\n')}\n`;
}

function mark({ unicode }: Look): string {
  return unicode ? '▼' : '*';
}

function vmRow({ name, host, state, vcpus, usage }: VmUsageView): readonly string[] {
  const perVcpu = usage.wait === undefined || vcpus === 0 ? undefined : usage.wait / vcpus;
  return [
    name,
    host,
    state,
    percent(usage.cpu),
    percent(perVcpu),
    size(usage.memory),
    size(usage.disk),
    size(usage.net),
  ];
}

/** Of a host its own share tells more than the number of its pCPUs that are busy. */
function hostRow({ name, state, cpus, vms, usage }: HostUsageView): readonly string[] {
  const share = (value: number | undefined): number | undefined =>
    value === undefined || cpus === 0 ? undefined : value / cpus;
  return [
    name,
    state,
    `${vms}`,
    percent(share(usage.cpu)),
    percent(share(usage.wait)),
    size(usage.memory),
    size(usage.disk),
    size(usage.net),
  ];
}

/** 100% is one pCPU. */
function percent(share: number | undefined): string {
  return share === undefined ? NOT_KNOWN : `${(share * 100).toFixed(1)}%`;
}

function size(bytes: number | undefined): string {
  return bytes === undefined ? NOT_KNOWN : formatSize(bytes);
}
