/** Figures of one domain's disks, NICs and CPUs; those of many in one call: `connectGetAllDomainStats`. */
import { flags, i32, i64, list, string, struct, u32 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

const BLOCK_STATS_PARAMS_MAX = 16;
const CPU_STATS_PARAMS_MAX = 2048;
const DISK_ERRORS_MAX = 256;

/** CPUs that one call of `domainGetCpuStats` may ask for. */
export const CPU_STATS_CPUS_MAX = 128;

/**
 * What went through a disk (`path`: its target such as "vda", or its source; "" sums up all):
 * `rd_operations`, `rd_bytes`, `rd_total_times` and the like for writes and flushes, times in ns. Only
 * while the domain runs. No flags but `TypedParamFlag.stringOkay`. See `callCounted`.
 *
 * @since 0.9.5
 */
export const domainBlockStatsFlags = query(
  'domainBlockStatsFlags',
  243,
  { dom: domain, path: string, nparams: i32, flags },
  { params: typedParams(BLOCK_STATS_PARAMS_MAX), nparams: i32 },
);

/**
 * What went through a NIC, seen from the guest, by its target ("vnet0") or its MAC address (since
 * 2.4): bytes, packets, errors and drops both ways; -1 for what is not known.
 *
 * @since 0.3.2
 */
export const domainInterfaceStats = query(
  'domainInterfaceStats',
  65,
  { dom: domain, device: string },
  {
    rxBytes: i64,
    rxPackets: i64,
    rxErrs: i64,
    rxDrop: i64,
    txBytes: i64,
    txPackets: i64,
    txErrs: i64,
    txDrop: i64,
  },
);

/**
 * CPU time of a running domain in ns. With `startCpu` -1 and `ncpus` 1 the sums `cpu_time`,
 * `user_time` and `system_time`; else `nparams` parameters for each of `ncpus` host CPUs from
 * `startCpu`, at most CPU_STATS_CPUS_MAX. `nparams` 0 asks how many there are for one CPU, and
 * `ncpus` 0 as well how many CPUs the host has; both answer in `nparams` alone. Needs the host's
 * cpuacct control group. No flags but `TypedParamFlag.stringOkay`.
 *
 * @since 0.9.10
 */
export const domainGetCpuStats = query(
  'domainGetCpuStats',
  262,
  { dom: domain, nparams: u32, startCpu: i32, ncpus: u32, flags },
  { params: typedParams(CPU_STATS_PARAMS_MAX), nparams: i32 },
);

/**
 * Disks of a running domain that failed, at most `maxerrors`: their targets, and a
 * DomainDiskErrorCode. A `maxerrors` of 0 asks how many disks there are, told in `nerrors`.
 *
 * @since 0.9.10
 */
export const domainGetDiskErrors = query(
  'domainGetDiskErrors',
  263,
  { dom: domain, maxerrors: u32, flags },
  { errors: list(struct({ disk: string, error: i32 }), DISK_ERRORS_MAX), nerrors: i32 },
);

/**
 * Starts measuring for so many seconds (1 to 60) how fast the guest writes to its memory. Bulk
 * statistics give the outcome as `dirtyrate.*`: the status is a DomainDirtyRateStatus, the rate in
 * MiB/s. Flags: DomainDirtyRateCalcFlag (libvirt 8.1).
 *
 * @since 7.2.0
 */
export const domainStartDirtyRateCalc = command(
  'domainStartDirtyRateCalc',
  427,
  { dom: domain, seconds: i32, flags },
  {},
);
