import { formatIntSet } from '../base/int-set.ts';
import { formatSize } from '../base/units.ts';
import type { HostView } from '../api/resources.ts';
import { cut } from './block.ts';
import { wrapWords } from './map-memory.ts';
import type { CpuUse, Tenant } from './map-owners.ts';
import type { MapPen } from './map-pen.ts';
import { tableLines } from './table.ts';

const NAME_COLUMNS_MAX = 28;
const OVERLAPS_SHOWN_MAX = 8;

/** What stands below the map: who each letter is, what the marks mean, and what is wrong. */
export function legendLines(host: HostView, pen: MapPen, columns: number): readonly string[] {
  const uses = usesOf(host, pen);
  const marks = wrapWords(markTexts(uses, pen), columns - 1, '   ').map((line) => ` ${line}`);
  return [
    ...tenantLines(host, pen),
    ...marks.map(pen.ink.faint),
    ...overlapLines(uses, pen).map(pen.ink.warning),
  ];
}

function tenantLines(host: HostView, pen: MapPen): readonly string[] {
  const { tenants, keyWidth } = pen.owners;
  if (tenants.length === 0) return [' no VM has a seat here'];
  const rows = tenants.map((tenant, place) => {
    const vm = host.vms.find(({ name }) => name === tenant.seat.vm);
    return [
      pen.ink.vm(place)(` ${tenant.key.padEnd(keyWidth)} `),
      cut(tenant.seat.vm, NAME_COLUMNS_MAX),
      vm?.state ?? (tenant.seat.running ? 'running' : 'claimed'),
      vcpusText(tenant, vm?.vcpus),
      cpusText(tenant),
      cellsText(tenant, vm?.cells ?? []),
      formatSize(tenant.seat.memory.reduce((sum, share) => sum + share.bytes, 0)),
    ];
  });
  const titles = ['', 'VM', 'STATE', 'VCPUS', 'PCPUS', 'CELLS', 'MEMORY'];
  const table = tableLines(
    titles.map((title) => ({ title })),
    rows,
    pen.ink.faint,
  );
  return table.map((line) => ` ${line}`);
}

function vcpusText({ seat }: Tenant, count: number | undefined): string {
  const policy = seat.dedicated.length > 0 ? 'dedicated' : 'shared';
  return `${count ?? (seat.floating.vcpus || seat.dedicated.length)} ${policy}`;
}

function cpusText({ seat }: Tenant): string {
  if (seat.dedicated.length > 0) return formatIntSet(seat.dedicated);
  return seat.floating.over === undefined ? 'any' : formatIntSet(seat.floating.over);
}

/** The cells it was placed on; a seat names only those to which memory is bound hard. */
function cellsText({ seat }: Tenant, placed: readonly number[]): string {
  const bound = seat.memory.flatMap(({ cell }) => (cell === undefined ? [] : [cell]));
  const cells = placed.length > 0 ? placed : bound;
  return cells.length === 0 ? 'any' : formatIntSet(cells);
}

interface UsedCpu {
  readonly id: number;
  readonly use: CpuUse;
}

function usesOf(host: HostView, pen: MapPen): readonly UsedCpu[] {
  const { cells, offlineCpus } = host.topology;
  const cpus = [
    ...cells.flatMap((cell) => cell.cpus),
    ...offlineCpus.map((id) => ({ id, online: false })),
  ];
  return cpus.map((cpu) => ({ id: cpu.id, use: pen.owners.use(cpu) }));
}

/** Only the marks that stand in this map are explained. */
function markTexts(uses: readonly UsedCpu[], pen: MapPen): readonly string[] {
  const shared = pen.unicode ? '≈' : '~';
  const crowded = uses.some(({ use }) => use.kind === 'shared' && use.places.length > 1);
  const meanings: Readonly<Record<CpuUse['kind'], string>> = {
    own: '',
    free: '. free',
    shared: [`${shared}A shared`, ...(crowded ? [`${shared}2 by two VMs`] : [])].join(', '),
    reserved: '// kept for the host',
    overlap: '!A dedicated twice',
    offline: 'x offline',
  };
  const kinds = new Set(uses.map(({ use }) => use.kind));
  return Object.entries(meanings).flatMap(([kind, text]) =>
    text !== '' && kinds.has(kind as CpuUse['kind']) ? [text] : [],
  );
}

function overlapLines(uses: readonly UsedCpu[], pen: MapPen): readonly string[] {
  const overlaps = uses.flatMap(({ id, use }) => (use.kind === 'overlap' ? [{ id, use }] : []));
  const byOwners = Map.groupBy(overlaps, ({ use }) => use.places.join());
  const lines = [...byOwners.values()].map((members) => {
    const places = members[0]?.use.places ?? [];
    const names = places.map((place) => nameOf(pen.owners.tenants[place]));
    const cpus = members.map(({ id }) => id);
    const several = cpus.length > 1;
    return ` ! pCPU${several ? 's' : ''} ${formatIntSet(cpus)} ${several ? 'are' : 'is'} dedicated to ${names.join(' and ')}`;
  });
  const rest = lines.length - OVERLAPS_SHOWN_MAX;
  return [
    ...lines.slice(0, OVERLAPS_SHOWN_MAX),
    ...(rest > 0 ? [` ! and ${rest} more such groups`] : []),
  ];
}

function nameOf(tenant: Tenant | undefined): string {
  return tenant === undefined ? '?' : `${tenant.key} ${tenant.seat.vm}`;
}
