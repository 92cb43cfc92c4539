import { KIB } from '../../base/units.ts';
import type { ThreadPolicy } from '../../model/placement.ts';
import { ORDINARY_PAGE_KIB } from '../../model/placement.ts';
import type { CellEffect, Effect } from './effect.ts';
import type { RoomLayout } from './room-layout.ts';
import { CELL, cellAt, HOST, pagesAt } from './room-layout.ts';

/** What a part of a plain guest needs of its cell. */
export interface SlotNeed {
  readonly policy: 'shared' | 'dedicated';
  readonly threads: ThreadPolicy;
  readonly vcpus: number;
  /** The guest's memory, and QEMU's own beside it. */
  readonly bytes: number;
  readonly overheadBytes: number;
  /** 4 for ordinary pages. */
  readonly pageKiB: number;
  /** Ordinary memory may be bound more than once, as far as the host's policy lets floating guests. */
  readonly overbound: boolean;
}

/** Whether a cell has what a part needs, as far as counts tell. */
export function slotFits(
  row: Float64Array,
  layout: RoomLayout,
  what: { readonly need: SlotNeed; readonly index: number },
): boolean {
  const { need, index } = what;
  const at = cellAt(layout, index);
  return cpusFit(row, at, need) && memoryFits(row, layout, { need, at });
}

/** What a part that fits would take of the cell. */
export function slotEffect(
  row: Float64Array,
  layout: RoomLayout,
  what: { readonly need: SlotNeed; readonly index: number },
): CellEffect {
  const { need, index } = what;
  const { pcpus, cores, broken, unpaired, floats } = cpusTaken(row, cellAt(layout, index), need);
  const huge = pagesAt(layout, need.pageKiB) >= 0;
  const bytes = huge ? need.bytes : need.bytes + need.overheadBytes;
  return { index, pcpus, cores, broken, unpaired, floats, bytes, pageKiB: need.pageKiB };
}

/** The same as the effect of a guest that has no other part. */
export function slotAlone(
  row: Float64Array,
  layout: RoomLayout,
  what: { readonly need: SlotNeed; readonly index: number },
): Effect {
  const { need } = what;
  const counts = need.pageKiB === ORDINARY_PAGE_KIB || field(row, HOST.ramCountsAll) === 1;
  return {
    cells: [slotEffect(row, layout, what)],
    floats: need.policy === 'shared' ? need.vcpus : 0,
    ram: (counts ? need.bytes : 0) + need.overheadBytes,
  };
}

function cpusFit(row: Float64Array, at: number, need: SlotNeed): boolean {
  const { vcpus, threads } = need;
  if (need.policy === 'shared') {
    const pool =
      field(row, HOST.widthByHost) === 1 ? field(row, HOST.pool) : field(row, at + CELL.pool);
    return vcpus <= pool && vcpus <= field(row, at + CELL.floats);
  }
  const perCore = field(row, HOST.threads);
  const free = field(row, at + CELL.free);
  if (perCore === 1 || threads === 'prefer') return vcpus <= free;
  const cores = threads === 'require' ? vcpus / perCore : vcpus;
  const taken = threads === 'require' ? vcpus : vcpus * field(row, HOST.leastThreads);
  return cores <= field(row, at + CELL.whole) && taken <= free;
}

function memoryFits(
  row: Float64Array,
  layout: RoomLayout,
  what: { readonly need: SlotNeed; readonly at: number },
): boolean {
  const { need, at } = what;
  const ordinary = field(row, at + (need.overbound ? CELL.floatBytes : CELL.bytes));
  if (need.pageKiB === ORDINARY_PAGE_KIB) return need.bytes + need.overheadBytes <= ordinary;
  const pages = pagesAt(layout, need.pageKiB);
  if (pages < 0) return false;
  const wanted = Math.ceil(need.bytes / (need.pageKiB * KIB));
  return (
    wanted <= field(row, at + pages) &&
    need.overheadBytes <= Math.max(0, field(row, at + CELL.bytes))
  );
}

type CpusTaken = Pick<CellEffect, 'pcpus' | 'cores' | 'broken' | 'unpaired' | 'floats'>;

/** By counts: whole cores as far as they go, then half-free ones, then one more core is broken. */
function cpusTaken(row: Float64Array, at: number, { policy, vcpus, threads }: SlotNeed): CpusTaken {
  if (policy === 'shared') return { pcpus: 0, cores: 0, broken: 0, unpaired: 0, floats: vcpus };
  const perCore = field(row, HOST.threads);
  if (perCore > 1 && threads === 'isolate') {
    return { pcpus: vcpus * perCore, cores: vcpus, broken: 0, unpaired: 0, floats: 0 };
  }
  const whole = field(row, at + CELL.whole);
  const wanted = Math.floor(vcpus / perCore);
  const paired = Math.min(whole, wanted);
  const odd = vcpus - paired * perCore;
  const half = field(row, at + CELL.idle) - whole * perCore;
  const broken = odd > half ? Math.ceil((odd - half) / perCore) : 0;
  const unpaired = (wanted - paired) * perCore;
  return { pcpus: vcpus, cores: paired + broken, broken, unpaired, floats: 0 };
}

function field(row: Float64Array, at: number): number {
  return row[at] ?? 0;
}
