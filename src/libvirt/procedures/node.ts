/** The host: processors, memory and its pages. */
import {
  always,
  charArray,
  flags,
  i32,
  list,
  opaque,
  string,
  struct,
  u32,
  u64,
} from '../xdr/codec.ts';
import { command, query } from '../rpc/procedure.ts';
import { CPUMAP_BYTES_MAX } from './domain-cpu.ts';

/** Most cells one call can speak about. */
export const CELLS_MAX = 1024;

const MODEL_CHARS = 32;
const STATS_MAX = 16;

const stat = struct({ field: string, value: u64 });

/**
 * The host in short: memory in KiB, clock in MHz, and counts of which `sockets`, `cores` and
 * `threads` are per level. Odd topologies do not fit; the capabilities hold the truth.
 */
export const nodeGetInfo = query(
  'nodeGetInfo',
  6,
  {},
  {
    model: charArray(MODEL_CHARS),
    memory: u64,
    cpus: i32,
    mhz: i32,
    nodes: i32,
    sockets: i32,
    cores: i32,
    threads: i32,
  },
);

/** Free memory per cell in bytes, from `startCell` on. */
export const nodeGetCellsFreeMemory = query(
  'nodeGetCellsFreeMemory',
  101,
  { startCell: i32, maxcells: i32 },
  { cells: list(u64, CELLS_MAX) },
);

/** Free memory of the host in bytes. */
export const nodeGetFreeMemory = query('nodeGetFreeMemory', 102, {}, { freeMem: u64 });

/** CPU times in ns (`kernel`, `user`, `idle`, `iowait`) of one CPU, or of all with -1. See `callCounted`. */
export const nodeGetCpuStats = query(
  'nodeGetCpuStats',
  227,
  { cpuNum: i32, nparams: i32, flags },
  { params: list(stat, STATS_MAX), nparams: i32 },
);

/** Memory figures in KiB (`total`, `free`, `buffers`, `cached`) of one cell, or of all with -1. See `callCounted`. */
export const nodeGetMemoryStats = query(
  'nodeGetMemoryStats',
  228,
  { nparams: i32, cellNum: i32, flags },
  { params: list(stat, STATS_MAX), nparams: i32 },
);

/** Which CPUs are there (`ret` of them) and online, a bit each, CPU 0 the lowest of the first byte. */
export const nodeGetCpuMap = query(
  'nodeGetCpuMap',
  293,
  { needMap: always(1), needOnline: always(1), flags },
  { cpumap: opaque(CPUMAP_BYTES_MAX), online: u32, ret: i32 },
);

/**
 * Free pages of the given sizes (KiB) in `cellCount` cells from `startCell` on: all sizes of the
 * first cell, then all of the next. Cell -1 means the whole host.
 */
export const nodeGetFreePages = query(
  'nodeGetFreePages',
  340,
  { pages: list(u32, CELLS_MAX), startCell: i32, cellCount: u32, flags },
  { counts: list(u64, CELLS_MAX) },
);

/**
 * Sizes page pools; sizes in KiB, and flags a NodeAllocPagesFlag. The kernel gives what it can
 * find: read the pool afterwards.
 */
export const nodeAllocPages = command(
  'nodeAllocPages',
  347,
  {
    pageSizes: list(u32, CELLS_MAX),
    pageCounts: list(u64, CELLS_MAX),
    startCell: i32,
    cellCount: u32,
    flags,
  },
  { ret: i32 },
);
