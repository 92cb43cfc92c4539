/** The host: processors, memory and its pages, page merging, power, and what guards its guests. */
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
import { charList } from '../xdr/char-list.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { CPUMAP_BYTES_MAX } from './domain-cpu.ts';

/** Most cells one call can speak about. */
export const CELLS_MAX = 1024;

const MODEL_CHARS = 32;
const STATS_MAX = 16;
const MEMORY_PARAMS_MAX = 64;
const SEV_PARAMS_MAX = 64;
const SECURITY_MODEL_CHARS_MAX = 257;
const SECURITY_DOI_CHARS_MAX = 257;

const stat = struct({ field: string, value: u64 });

/**
 * The host in short: memory in KiB, clock in MHz, and counts of which `sockets`, `cores` and
 * `threads` are per level. Odd topologies do not fit; the capabilities hold the truth.
 *
 * @since 0.1.0
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

/**
 * Free memory per cell in bytes, from `startCell` on.
 *
 * @since 0.3.3
 */
export const nodeGetCellsFreeMemory = query(
  'nodeGetCellsFreeMemory',
  101,
  { startCell: i32, maxcells: i32 },
  { cells: list(u64, CELLS_MAX) },
);

/**
 * Free memory of the host in bytes.
 *
 * @since 0.3.3
 */
export const nodeGetFreeMemory = query('nodeGetFreeMemory', 102, {}, { freeMem: u64 });

/**
 * The security driver that confines guests ("apparmor", "selinux", "none") and its domain of
 * interpretation, which labels of another host can be compared by. Drivers without one answer with
 * two empty strings.
 *
 * @since 0.6.1
 */
export const nodeGetSecurityModel = query(
  'nodeGetSecurityModel',
  122,
  {},
  { model: charList(SECURITY_MODEL_CHARS_MAX), doi: charList(SECURITY_DOI_CHARS_MAX) },
);

/**
 * CPU times in ns (`kernel`, `user`, `idle`, `iowait`, and others where the driver has them) of one
 * CPU, or of all with -1. See `callCounted`.
 *
 * @since 0.9.3
 */
export const nodeGetCpuStats = query(
  'nodeGetCpuStats',
  227,
  { cpuNum: i32, nparams: i32, flags },
  { params: list(stat, STATS_MAX), nparams: i32 },
);

/**
 * Memory figures in KiB (`total`, `free`, `buffers`, `cached`) of one cell, or of all with -1; a
 * single cell has but the first two. See `callCounted`.
 *
 * @since 0.9.3
 */
export const nodeGetMemoryStats = query(
  'nodeGetMemoryStats',
  228,
  { nparams: i32, cellNum: i32, flags },
  { params: list(stat, STATS_MAX), nparams: i32 },
);

/**
 * Suspends the host and has its clock wake it after `duration` seconds, at least 60; `target` is a
 * NodeSuspendTarget. The reply comes before the host sleeps. Code 74 where the host cannot.
 *
 * @since 0.9.8
 */
export const nodeSuspendForDuration = command(
  'nodeSuspendForDuration',
  250,
  { target: u32, duration: u64, flags },
  {},
);

/**
 * Changes how the kernel merges equal pages (KSM): `shm_pages_to_scan` (pages a round, uint),
 * `shm_sleep_millisecs` (ms between rounds, uint), `shm_merge_across_nodes` (0 or 1, uint; only
 * while nothing is merged). Whether it merges at all is not libvirt's to set.
 *
 * @since 0.10.2
 */
export const nodeSetMemoryParameters = command(
  'nodeSetMemoryParameters',
  288,
  { params: typedParams(MEMORY_PARAMS_MAX), flags },
  {},
);

/**
 * How the kernel merges equal pages, and what it gained: the three that can be set, then counts of
 * pages as ullong (`shm_pages_shared`, `shm_pages_sharing`, `shm_pages_unshared`,
 * `shm_pages_volatile`) and of rounds (`shm_full_scans`). See `callCounted`.
 *
 * @since 0.10.2
 */
export const nodeGetMemoryParameters = query(
  'nodeGetMemoryParameters',
  289,
  { nparams: i32, flags },
  { params: typedParams(MEMORY_PARAMS_MAX), nparams: i32 },
);

/**
 * Which CPUs are there (`ret` of them) and which of them online (`online`, and a bit each in
 * `cpumap`, CPU 0 the lowest of the first byte).
 *
 * @since 1.0.0
 */
export const nodeGetCpuMap = query(
  'nodeGetCpuMap',
  293,
  { needMap: always(1), needOnline: always(1), flags },
  { cpumap: opaque(CPUMAP_BYTES_MAX), online: u32, ret: i32 },
);

/**
 * Free pages of the given sizes (KiB) in `cellCount` cells from `startCell` on: all sizes of the
 * first cell, then all of the next. Cell -1 means the whole host.
 *
 * @since 1.2.6
 */
export const nodeGetFreePages = query(
  'nodeGetFreePages',
  340,
  { pages: list(u32, CELLS_MAX), startCell: i32, cellCount: u32, flags },
  { counts: list(u64, CELLS_MAX) },
);

/**
 * Sizes page pools; sizes in KiB, a count for each, and flags a NodeAllocPagesFlag. `ret` is how
 * many pools were changed. The kernel gives what it can find: read the pool afterwards.
 *
 * @since 1.2.9
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

/**
 * What the host's AMD SEV offers: `pdh` and `cert-chain` (Base64), `cbitpos`, `reduced-phys-bits`,
 * `max-guests`, `max-es-guests`. Code 84 where it has none. See `callCounted`.
 *
 * @since 4.5.0
 */
export const nodeGetSevInfo = query(
  'nodeGetSevInfo',
  395,
  { nparams: i32, flags },
  { params: typedParams(SEV_PARAMS_MAX), nparams: i32 },
);
