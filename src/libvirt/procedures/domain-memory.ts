/** The memory of domains. Sizes are KiB unless said otherwise. */
import { flags, i32, list, opaque, struct, u32, u64 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

const MEMORY_STATS_MAX = 1024;
const MEMORY_PARAMS_MAX = 16;
const NUMA_PARAMS_MAX = 16;

/** Most bytes that `domainMemoryPeek` reads at once. */
export const MEMORY_PEEK_BYTES_MAX = 4 * 1024 * 1024;

/**
 * The most memory that the domain's machine can have without plugging more in.
 *
 * @since 0.0.3
 */
export const domainGetMaxMemory = query('domainGetMaxMemory', 17, { dom: domain }, { memory: u64 });

/**
 * Sets the balloon's target, or with `maximum` the most there can be (in the definition only). The
 * guest follows when it can: DomainEvent.balloonChange. Flags: DomainMemFlag.
 *
 * @since 0.9.0
 */
export const domainSetMemoryFlags = command(
  'domainSetMemoryFlags',
  204,
  { dom: domain, memory: u64, flags },
  {},
);

/**
 * Figures by their number (DomainMemoryStat), at most `maxStats` of them; those that the guest's
 * balloon reports are as old as the period that `domainSetMemoryStatsPeriod` set. No flags are known.
 *
 * @since 0.7.5
 */
export const domainMemoryStats = query(
  'domainMemoryStats',
  159,
  { dom: domain, maxStats: u32, flags },
  { stats: list(struct({ tag: i32, val: u64 }), MEMORY_STATS_MAX) },
);

/**
 * Has the guest's balloon report every so many seconds; 0 stops it. Flags: DomainAffect.
 *
 * @since 1.1.1
 */
export const domainSetMemoryStatsPeriod = command(
  'domainSetMemoryStatsPeriod',
  308,
  { dom: domain, period: i32, flags },
  {},
);

/**
 * Sets limits of the domain's control group, each ullong in KiB: `hard_limit`, `soft_limit`,
 * `swap_hard_limit` (memory and swap together); 2^53-1 means without limit. A hard limit below what
 * QEMU needs has the kernel kill the guest. Flags: DomainAffect.
 *
 * @since 0.8.5
 */
export const domainSetMemoryParameters = command(
  'domainSetMemoryParameters',
  197,
  { dom: domain, params: typedParams(MEMORY_PARAMS_MAX), flags },
  {},
);

/**
 * The limits that `domainSetMemoryParameters` sets. See `callCounted`. Flags: DomainAffect, one only.
 *
 * @since 0.8.5
 */
export const domainGetMemoryParameters = query(
  'domainGetMemoryParameters',
  198,
  { dom: domain, nparams: i32, flags },
  { params: typedParams(MEMORY_PARAMS_MAX), nparams: i32 },
);

/**
 * Sets the memory policy: `numa_nodeset` (string, "0-1") and `numa_mode` (int, DomainNumatuneMode). On
 * a running domain the mode cannot change, and the nodes only where it is `strict` or `restrictive`
 * and the host has cpuset control groups. Flags: DomainAffect.
 *
 * @since 0.9.9
 */
export const domainSetNumaParameters = command(
  'domainSetNumaParameters',
  254,
  { dom: domain, params: typedParams(NUMA_PARAMS_MAX), flags },
  {},
);

/**
 * The memory policy. See `callCounted`. Flags: DomainAffect, one only; its text comes only with
 * `TypedParamFlag.stringOkay` among them.
 *
 * @since 0.9.9
 */
export const domainGetNumaParameters = query(
  'domainGetNumaParameters',
  255,
  { dom: domain, nparams: i32, flags },
  { params: typedParams(NUMA_PARAMS_MAX), nparams: i32 },
);

/**
 * Bytes of a running guest's memory: `size` of them, at most MEMORY_PEEK_BYTES_MAX, from a byte
 * offset. Flags: one of DomainMemoryFlag, which says how the offset counts; `virtual` means by the
 * tables of the first vCPU.
 *
 * @since 0.4.2
 */
export const domainMemoryPeek = query(
  'domainMemoryPeek',
  104,
  { dom: domain, offset: u64, size: u32, flags },
  { buffer: opaque(MEMORY_PEEK_BYTES_MAX) },
);
