import type { RoomLayout } from './room-layout.ts';
import { CELL, cellAt, HOST, pagesAt } from './room-layout.ts';

/** What a guest would take of one cell. */
export interface CellEffect {
  /** Index of the cell. */
  readonly index: number;
  /** pCPUs that become dedicated, idle siblings included. */
  readonly pcpus: number;
  /** Cores that were free as a whole, and are no longer. */
  readonly cores: number;
  /** Those of them that are used in part only. */
  readonly broken: number;
  /** vCPUs that could have had a sibling beside them, had more whole cores been free. */
  readonly unpaired: number;
  /** vCPUs that float over the cell alone. */
  readonly floats: number;
  /** Memory that is bound to the cell. */
  readonly bytes: number;
  /** 4 for ordinary pages. */
  readonly pageKiB: number;
}

/** What a guest would take of a host, in counts. */
export interface Effect {
  /** Cells in which it has vCPUs or memory that is bound. */
  readonly cells: readonly CellEffect[];
  /** vCPUs that float anywhere on the host, those kept to a cell included. */
  readonly floats: number;
  /** Bytes that count against the host's ratio. */
  readonly ram: number;
}

/** Writes the row of a host as it would be after a guest has taken its part. */
export function takeFrom(
  row: Float64Array,
  layout: RoomLayout,
  what: { readonly effect: Effect; readonly after: Float64Array },
): void {
  const { effect, after } = what;
  after.set(row);
  let pcpus = 0;
  for (const cell of effect.cells) {
    const at = cellAt(layout, cell.index);
    pcpus += cell.pcpus;
    lessen(after, at + CELL.free, cell.pcpus);
    lessen(after, at + CELL.whole, cell.cores);
    lessen(after, at + CELL.floats, cell.floats);
    after[at + CELL.untouched] = 0;
    const pages = pagesAt(layout, cell.pageKiB);
    if (pages >= 0) {
      lessen(after, at + pages, Math.ceil(cell.bytes / (cell.pageKiB * 1024)));
    } else {
      lessen(after, at + CELL.bytes, cell.bytes);
      lessen(after, at + CELL.floatBytes, cell.bytes);
    }
  }
  lessen(after, HOST.free, pcpus);
  lessen(after, HOST.floats, effect.floats);
  lessen(after, HOST.ram, effect.ram);
  const asPcpus = effect.floats / Math.max(1, row[HOST.cpuRatio] ?? 1);
  lessen(after, HOST.cpusUsed, -pcpus - asPcpus);
  lessen(after, HOST.memoryUsed, -effect.ram);
  after[HOST.inUse] = 1;
}

function lessen(row: Float64Array, at: number, by: number): void {
  row[at] = (row[at] ?? 0) - by;
}
