/** The memory of domains. Sizes are KiB. */
import { flags, i32, list, struct, u32, u64 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

const MEMORY_STATS_MAX = 1024;
const MEMORY_PARAMS_MAX = 16;

/** Figures by their number (DomainMemoryStat), at most `maxStats` of them. */
export const domainMemoryStats = query(
  'domainMemoryStats',
  159,
  { dom: domain, maxStats: u32, flags },
  { stats: list(struct({ tag: i32, val: u64 }), MEMORY_STATS_MAX) },
);

/** Limits of the domain's control group: `hard_limit`, `soft_limit`, `swap_hard_limit`. See `callCounted`. */
export const domainGetMemoryParameters = query(
  'domainGetMemoryParameters',
  198,
  { dom: domain, nparams: i32, flags },
  { params: typedParams(MEMORY_PARAMS_MAX), nparams: i32 },
);

export const domainSetMemoryParameters = command(
  'domainSetMemoryParameters',
  197,
  { dom: domain, params: typedParams(MEMORY_PARAMS_MAX), flags },
  {},
);

/** Sets the balloon's target, or the most it can be (DomainMemFlag). */
export const domainSetMemoryFlags = command(
  'domainSetMemoryFlags',
  204,
  { dom: domain, memory: u64, flags },
  {},
);

/** Has the guest's balloon report every so many seconds; 0 stops it. */
export const domainSetMemoryStatsPeriod = command(
  'domainSetMemoryStatsPeriod',
  308,
  { dom: domain, period: i32, flags },
  {},
);
