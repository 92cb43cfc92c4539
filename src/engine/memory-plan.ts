import { present } from '../base/assert.ts';
import { KIB } from '../base/units.ts';
import type { MemoryShare } from '../model/placement.ts';
import type { Frame } from './frame.ts';
import { cellDistance } from './host-shape.ts';
import type { CellAccount } from './ledger.ts';
import { roomBytes, roomPages } from './ledger.ts';
import { isSoft } from './frame.ts';
import { compareRanks } from './rank.ts';
import type { BrokenLimit } from './refusal.ts';
import { memoryShort, overheadShort, pagesShort } from './memory-limits.ts';

/** Memory for one slot: shares, or the limits that stand against it. */
export interface MemoryPlan {
  readonly shares: readonly MemoryShare[];
  readonly broken: readonly BrokenLimit[];
}

/** What one slot wants of the memory of its cell. */
export interface MemoryNeed {
  readonly bytes: number;
  /** Ordinary memory of the first cell that memory comes from. */
  readonly overheadBytes: number;
}

/**
 * Plans the memory of a slot whose vCPUs sit in the cell of that index.
 * @param alone true where the slot is the whole guest: then its memory may come from more cells of
 * the nodeset than its own.
 */
export function memoryPlan(
  frame: Frame,
  need: MemoryNeed,
  where: { readonly home: number; readonly alone: boolean },
): MemoryPlan {
  const sources = where.alone ? sourcesFor(frame, where.home) : [account(frame, where.home)];
  const [first] = sources;
  if (first === undefined) return { shares: [], broken: [] };
  if (isSoft(frame)) return { shares: [share(frame, first, need.bytes)], broken: [] };
  if (frame.mode === 'interleave' && sources.length > 1) return inTurns(frame, sources, need);
  return fill(frame, sources, need);
}

/**
 * The cells that the memory of a guest with one guest cell may come from, the nearest first: its
 * own, and those of the nodeset that have no CPUs; all of the nodeset where none of it is a home, or
 * where memory is interleaved.
 */
export function sourcesFor(frame: Frame, home: number): readonly CellAccount[] {
  const { nodes, remote, mode, ledger } = frame;
  if (nodes === undefined) return [account(frame, home)];
  const every = remote || mode === 'interleave';
  const near = nodes
    .filter((index) => every || index === home || !account(frame, index).hasCpus)
    .map((index) => ({ index, distance: cellDistance(ledger.host.topology, home, index) }))
    .toSorted((a, b) => compareRanks([a.distance, a.index], [b.distance, b.index]));
  return near.map(({ index }) => account(frame, index));
}

/** Bytes of the guest's page size that a cell can still give to it. */
export function roomFor(frame: Frame, cell: CellAccount): number {
  return frame.huge
    ? roomPages(cell, frame.pageKiB) * frame.pageKiB * KIB
    : Math.max(0, roomBytes(cell, frame.boundRatio));
}

/** Memory spread evenly over cells, unit by unit; the larger shares first. */
export function inTurns(frame: Frame, cells: readonly CellAccount[], need: MemoryNeed): MemoryPlan {
  const units = Math.floor(need.bytes / frame.unitBytes);
  const rest = need.bytes - units * frame.unitBytes;
  const plans = cells.map((cell, i) => {
    const even = Math.floor(units / cells.length) + (i < units % cells.length ? 1 : 0);
    const bytes = even * frame.unitBytes + (i === 0 ? rest : 0);
    return fill(frame, [cell], { bytes, overheadBytes: i === 0 ? need.overheadBytes : 0 });
  });
  return {
    shares: plans.flatMap((plan) => plan.shares).filter(({ bytes }) => bytes > 0),
    broken: plans.flatMap((plan) => plan.broken),
  };
}

/** Takes from each cell what it has, the nearest first, in whole pages but for the last. */
function fill(frame: Frame, sources: readonly CellAccount[], need: MemoryNeed): MemoryPlan {
  const own = frame.huge ? 0 : need.overheadBytes;
  const pageBytes = frame.pageKiB * KIB;
  const first =
    sources.find((cell) => roomFor(frame, cell) > own) ?? present(sources[0], 'a source of memory');
  const shares: MemoryShare[] = [];
  let missing = need.bytes;
  for (const cell of [first, ...sources.filter((source) => source !== first)]) {
    const room = Math.max(0, roomFor(frame, cell) - (cell === first ? own : 0));
    const part = room >= missing ? missing : Math.floor(room / pageBytes) * pageBytes;
    if (part > 0) shares.push(share(frame, cell, part));
    missing -= part;
  }
  const short = missing > 0 ? [shortOf(frame, sources, need)] : [];
  const tables =
    frame.huge && need.overheadBytes > Math.max(0, roomBytes(first))
      ? [overheadShort(frame, first, need.overheadBytes)]
      : [];
  return { shares, broken: [...short, ...tables] };
}

function shortOf(frame: Frame, sources: readonly CellAccount[], need: MemoryNeed): BrokenLimit {
  return frame.huge
    ? pagesShort(frame, sources, need.bytes)
    : memoryShort(frame, sources, need.bytes + need.overheadBytes);
}

function share(frame: Frame, cell: CellAccount, bytes: number): MemoryShare {
  return { cell: cell.id, bytes, pageKiB: frame.pageKiB };
}

function account(frame: Frame, index: number): CellAccount {
  return present(frame.ledger.cells[index], `cell at ${index}`);
}
