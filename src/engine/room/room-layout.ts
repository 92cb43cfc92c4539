import type { HostShape } from '../host-shape.ts';

/** Numbers about a host as a whole, by their place in its row. */
export const HOST = {
  /** pCPUs that dedicated vCPUs may still take. */
  free: 0,
  /** pCPUs that floating vCPUs may use. */
  pool: 1,
  /** vCPUs that may still float somewhere. */
  floats: 2,
  /** Bytes that guests may still have by the host's ratio. */
  ram: 3,
  /** pCPUs that guests may have, dedicated or to float over; floating vCPUs for each by the ratio. */
  cpus: 4,
  cpuRatio: 5,
  /** pCPUs that guests have, a floating vCPU counting as its part of one by the ratio. */
  cpusUsed: 6,
  /** Bytes that the ratio counts, of the host and of its guests. */
  memory: 7,
  memoryUsed: 8,
  /** 1 where any guest has a seat, else 0. */
  inUse: 9,
  /** When the last guest is expected to be gone, in milliseconds since the epoch; 0: not known. */
  end: 10,
  /** 1 where `ram` counts memory in pages of every size, 0 where ordinary pages alone. */
  ramCountsAll: 11,
  /** 1 where a floating guest must not be wider than the host's pool, 0: than the cell's. */
  widthByHost: 12,
  /** Threads of the largest core. */
  threads: 13,
  /** 1 where a guest floats over pCPUs that are neither all of the pool nor all of a cell's. */
  odd: 14,
  /** Threads of the smallest core. */
  leastThreads: 15,
} as const;

/** Numbers about a cell, by their place in its part of the row; free pages of each size follow. */
export const CELL = {
  /** pCPUs that dedicated vCPUs may still take. */
  free: 0,
  /** Cores that are free as a whole. */
  whole: 1,
  /** Ordinary bytes that can still be bound: by dedicated guests, and by floating ones. */
  bytes: 2,
  floatBytes: 3,
  /** pCPUs that floating vCPUs may use. */
  pool: 4,
  /** vCPUs that may still be kept to the cell. */
  floats: 5,
  /** 1 where nothing is bound to the cell, no pCPU dedicated and no guest kept to it; else 0. */
  untouched: 6,
  /** pCPUs and ordinary bytes that guests could have, were there none. */
  cpus: 7,
  memory: 8,
  /** pCPUs that nobody has for itself, may they be taken or not. */
  idle: 9,
  /** vCPUs that are kept to the cell. */
  floating: 10,
} as const;

const HOST_FIELDS = 16;
const CELL_FIELDS = 11;

/** Where the numbers of a host are in its row: hosts of one shape have one layout. */
export interface RoomLayout {
  readonly cells: number;
  /** Sizes of huge pages, ascending, in KiB. */
  readonly pageSizes: readonly number[];
  /** Numbers of one cell. */
  readonly stride: number;
  /** Numbers of one host. */
  readonly width: number;
  /** A row to work in, used again and again. */
  readonly scratch: Float64Array;
}

/** The layout of hosts of that shape. */
export function layoutOfShape(shape: HostShape): RoomLayout {
  const known = layouts.get(shape);
  if (known !== undefined) return known;
  const { cells, hugeSizesKiB } = shape;
  const stride = CELL_FIELDS + hugeSizesKiB.length;
  const width = HOST_FIELDS + cells.length * stride;
  const scratch = new Float64Array(width);
  const layout = { cells: cells.length, pageSizes: hugeSizesKiB, stride, width, scratch };
  layouts.set(shape, layout);
  return layout;
}

/** Where the numbers of a cell begin, counted from the host's first. */
export function cellAt(layout: RoomLayout, index: number): number {
  return HOST_FIELDS + index * layout.stride;
}

/** Where the free pages of that size are, counted from a cell's first number; -1: no such pages. */
export function pagesAt(layout: RoomLayout, pageKiB: number): number {
  const slot = layout.pageSizes.indexOf(pageKiB);
  return slot < 0 ? -1 : CELL_FIELDS + slot;
}

const layouts = new WeakMap<HostShape, RoomLayout>();
