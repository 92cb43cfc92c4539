import { formatIntSet } from '../base/int-set.ts';
import { formatSize } from '../base/units.ts';
import type { HostSummary, HostView } from '../api/resources.ts';
import { ageText } from './age.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';
import { vmTable } from './vm-table.ts';

type CellView = HostView['topology']['cells'][number];

/** The table of `host ls`. */
export function hostTable(summaries: readonly HostSummary[], look: Look): string {
  const hosts = printable(summaries);
  if (hosts.length === 0) return 'no host is registered; add this machine with: berth up\n';
  const c = painter(look);
  const hasLabels = hosts.some(({ labels }) => Object.keys(labels ?? {}).length > 0);
  const rows = hosts.map((host) => [
    host.name,
    stateText(host, c),
    `${host.vms}`,
    `${host.cpus}`,
    `${host.cells}`,
    formatSize(host.memoryBytes),
    formatSize(host.freeBytes),
    host.domainTypes.includes('kvm') ? 'kvm' : 'emulation',
    ...(hasLabels ? [labelsText(host.labels)] : []),
    // How it is reached in detail (keys, sockets, ...) is on the page of the host.
    host.uri.replace(/\?.*$/, look.unicode ? '?…' : '?...'),
  ]);
  const columns = [
    { title: 'NAME' },
    { title: 'STATE' },
    { title: 'VMS', align: 'right' },
    { title: 'PCPUS', align: 'right' },
    { title: 'CELLS', align: 'right' },
    { title: 'MEMORY', align: 'right' },
    { title: 'FREE', align: 'right' },
    { title: 'RUNS' },
    ...(hasLabels ? [{ title: 'LABELS' }] : []),
    { title: 'URI' },
  ] as const;
  const lost = hosts.flatMap(({ name, reason }) =>
    reason === undefined ? [] : [c.yellow(`${name}: ${reason}`)],
  );
  return lines([...tableLines(columns, rows, c.dim), ...lost]);
}

/** One line about a host that was changed. */
export function hostLine(summary: HostSummary): string {
  const host = printable(summary);
  const { cpuRatio, ramRatio, labels = {} } = host;
  const ratios =
    cpuRatio === undefined || ramRatio === undefined
      ? []
      : [`CPU ${cpuRatio}:1, memory ${ramRatio}:1`];
  const parts = [
    ...(Object.keys(labels).length === 0 ? [] : [labelsText(labels)]),
    ...ratios,
    ...(host.schedulable === false ? ['takes no new VMs'] : []),
  ];
  return `${host.name}: ${parts.join('; ')}\n`;
}

function stateText(
  { state, schedulable }: Pick<HostSummary, 'state' | 'schedulable'>,
  c: ReturnType<typeof painter>,
): string {
  const paint = { connected: c.green, connecting: c.yellow, unreachable: c.red }[state];
  return schedulable === false ? `${paint(state)}, ${c.yellow('cordoned')}` : paint(state);
}

function labelsText(labels: HostSummary['labels'] = {}): string {
  const texts = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  return texts.length === 0 ? '-' : texts.toSorted((a, b) => (a < b ? -1 : 1)).join(',');
}

/** Since when, and when it is tried again. */
function standingText({ state, reason, since, nextAttemptAt }: HostView, now: number): string {
  const parts = [
    since === undefined ? '' : `since ${ageText(since, now)}`,
    reason ?? '',
    nextAttemptAt === undefined
      ? ''
      : `tried again in ${Math.max(0, Math.ceil((nextAttemptAt - now) / 1000))} s`,
  ];
  return [state, ...parts.filter((part) => part !== '')].join('; ');
}

/** The text of `host show`. */
export function hostPage(view: HostView, look: Look, now: number): string {
  const host = printable(view);
  const c = painter(look);
  const { cells, arch, offlineCpus, pciAnywhere } = host.topology;
  const { policy } = host;
  const facts = [
    ['uri', host.uri],
    ...(host.state === 'connected' ? [] : [[c.red('state'), standingText(host, now)]]),
    ...(host.schedulable === false ? [[c.yellow('cordoned'), 'no new VM is placed here']] : []),
    ...(Object.keys(host.labels ?? {}).length === 0 ? [] : [['labels', labelsText(host.labels)]]),
    ['seen', ageText(host.observedAt, now)],
    ['libvirt', versionText(host.libvirtVersion)],
    ['runs', `${host.domainTypes.join(', ')} guests, ${arch}`],
    ['for the host', reservedText(policy)],
    ['overcommit', `CPU ${policy.cpuRatio}:1, memory ${policy.ramRatio}:1`],
    ...(offlineCpus.length === 0 ? [] : [['offline', `pCPUs ${formatIntSet(offlineCpus)}`]]),
    ...(host.unknown ?? []).map((what) => [c.yellow('unknown'), what]),
    ...host.conflicts.map(({ say }) => [c.red('conflict'), say]),
  ];
  const devices = [
    ...cells.flatMap((cell) => cell.pci.map((pci) => ({ ...pci, cell: `${cell.id}` }))),
    ...pciAnywhere.map((pci) => ({ ...pci, cell: '-' })),
  ];
  return lines([
    c.bold(host.name),
    ...facts.map(([name = '', value = '']) => `  ${c.dim(name.padEnd(14))}${value}`),
    '',
    ...cellTable(cells, c.dim),
    '',
    ...(devices.length === 0 ? [] : [...deviceTable(devices, c.dim), '']),
    ...vmTable(host.vms, look),
    '',
    c.dim(`see it drawn with: berth host map ${host.name}`),
  ]);
}

function reservedText({ reservedCpus, reservedBytes }: HostView['policy']): string {
  const cpus = reservedCpus.length === 0 ? [] : [`pCPUs ${formatIntSet(reservedCpus)}`];
  const memory = reservedBytes === 0 ? [] : [`${formatSize(reservedBytes)} of memory`];
  return [...cpus, ...memory].join(', ') || 'nothing is kept';
}

/** libvirt packs its version as major * 1,000,000 + minor * 1,000 + micro. */
function versionText(version: number): string {
  const [major, minor, micro] = [version / 1_000_000, (version / 1000) % 1000, version % 1000];
  return [major, minor, micro].map(Math.floor).join('.');
}

function cellTable(
  cells: readonly CellView[],
  paintTitle: (text: string) => string,
): readonly string[] {
  const columns = [
    { title: 'CELL', align: 'right' },
    { title: 'PCPUS' },
    { title: 'MEMORY', align: 'right' },
    { title: 'FREE', align: 'right' },
    { title: 'PAGES (free/total)' },
    { title: 'DISTANCES' },
  ] as const;
  const rows = cells.map((cell) => [
    `${cell.id}`,
    cell.cpus.length === 0 ? '-' : formatIntSet(cell.cpus.map(({ id }) => id)),
    formatSize(cell.memoryBytes),
    formatSize(cell.freeBytes),
    poolsText(cell.pages),
    cell.distances.join(' '),
  ]);
  return tableLines(columns, rows, paintTitle);
}

/** Pools of large pages; the base pages are the memory column already. */
function poolsText(pages: CellView['pages']): string {
  const pools = pages.filter(({ sizeKiB, total }) => sizeKiB > 4 && total > 0);
  const texts = pools.map(
    ({ sizeKiB, free, total }) => `${formatSize(sizeKiB * 1024)} ${free}/${total}`,
  );
  return texts.length === 0 ? '-' : texts.join(', ');
}

function deviceTable(
  devices: readonly (CellView['pci'][number] & { readonly cell: string })[],
  paintTitle: (text: string) => string,
): readonly string[] {
  const titles = ['PCI ADDRESS', 'CELL', 'CLASS', 'VENDOR', 'DEVICE'];
  const rows = devices.map((pci) => [pci.address, pci.cell, pci.class, pci.vendor, pci.device]);
  return tableLines(
    titles.map((title) => ({ title })),
    rows,
    paintTitle,
  );
}

function lines(texts: readonly string[]): string {
  return `${texts.join('\n')}\n`;
}
