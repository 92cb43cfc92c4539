/**
 * Shares and limits of domains. Setters want exactly the documented type of each parameter: an unknown
 * name is code 74, a wrong type code 8. Getters whose reply has `nparams` are asked by `callCounted`.
 * All getters leave strings out unless `TypedParamFlag.stringOkay` is among the flags. What is set on
 * a running domain is told by DomainEvent.tunable.
 */
import { flags, i32, optional, string } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

const SCHEDULER_PARAMS_MAX = 16;
const BLKIO_PARAMS_MAX = 16;
const BLOCK_IO_TUNE_PARAMS_MAX = 32;
const INTERFACE_PARAMS_MAX = 16;
const PERF_EVENTS_MAX = 64;

/**
 * The kind of scheduler ("posix") and how many parameters it has; 0 where the host has no CPU
 * control group.
 *
 * @since 0.2.3
 */
export const domainGetSchedulerType = query(
  'domainGetSchedulerType',
  56,
  { dom: domain },
  { type: string, nparams: i32 },
);

/**
 * CPU shares and quotas: `cpu_shares` (ullong), and for each of vCPUs, emulator, I/O threads and the
 * whole `vcpu_`, `emulator_`, `iothread_`, `global_` with `period` (ullong, µs) and `quota` (llong, µs
 * of each period; below 0 is without limit). `nparams` is the most that the reply may hold: the number
 * that `domainGetSchedulerType` gave, not 0 (`callCounted` cannot ask here). Flags: DomainAffect, one
 * only.
 *
 * @since 0.9.2
 */
export const domainGetSchedulerParametersFlags = query(
  'domainGetSchedulerParametersFlags',
  223,
  { dom: domain, nparams: i32, flags },
  { params: typedParams(SCHEDULER_PARAMS_MAX) },
);

/**
 * Sets what `domainGetSchedulerParametersFlags` reads. Flags: DomainAffect.
 *
 * @since 0.9.2
 */
export const domainSetSchedulerParametersFlags = command(
  'domainSetSchedulerParametersFlags',
  219,
  { dom: domain, params: typedParams(SCHEDULER_PARAMS_MAX), flags },
  {},
);

/**
 * Disk weights and limits of the domain's control group: `weight` (uint, 10 to 1000 or so), and by
 * device as strings "/dev/sda,500,/dev/sdb,200": `device_weight`, `device_read_iops_sec`,
 * `device_write_iops_sec`, `device_read_bytes_sec`, `device_write_bytes_sec`. Flags: DomainAffect.
 *
 * @since 0.9.0
 */
export const domainSetBlkioParameters = command(
  'domainSetBlkioParameters',
  205,
  { dom: domain, params: typedParams(BLKIO_PARAMS_MAX), flags },
  {},
);

/**
 * Reads what `domainSetBlkioParameters` sets. Flags: DomainAffect, one only.
 *
 * @since 0.9.0
 */
export const domainGetBlkioParameters = query(
  'domainGetBlkioParameters',
  206,
  { dom: domain, nparams: i32, flags },
  { params: typedParams(BLKIO_PARAMS_MAX), nparams: i32 },
);

/**
 * Throttles one disk (its target or source) in QEMU itself, all ullong but the name of the group:
 * `total_`, `read_`, `write_` with `bytes_sec` and `iops_sec`, each with `_max` for bursts and
 * `_max_length` for their seconds, `size_iops_sec` (bytes that count as one operation) and
 * `group_name` (string). 0 is without limit; a total and its parts exclude each other. Flags:
 * DomainAffect.
 *
 * @since 0.9.8
 */
export const domainSetBlockIoTune = command(
  'domainSetBlockIoTune',
  252,
  { dom: domain, disk: string, params: typedParams(BLOCK_IO_TUNE_PARAMS_MAX), flags },
  {},
);

/**
 * The throttles of one disk; without `disk` only their number is told. Flags: DomainAffect, one only.
 *
 * @since 0.9.8
 */
export const domainGetBlockIoTune = query(
  'domainGetBlockIoTune',
  253,
  { dom: domain, disk: optional(string), nparams: i32, flags },
  { params: typedParams(BLOCK_IO_TUNE_PARAMS_MAX), nparams: i32 },
);

/**
 * Limits the bandwidth of a NIC (its target or MAC address): `inbound.` and `outbound.` with
 * `average` and `peak` (uint, KiB/s) and `burst` (uint, KiB), and `inbound.floor` (uint, KiB/s);
 * an average of 0 takes the limit away. Directions are those of the guest. Flags: DomainAffect.
 *
 * @since 0.9.9
 */
export const domainSetInterfaceParameters = command(
  'domainSetInterfaceParameters',
  256,
  { dom: domain, device: string, params: typedParams(INTERFACE_PARAMS_MAX), flags },
  {},
);

/**
 * Reads what `domainSetInterfaceParameters` sets. Flags: DomainAffect, one only.
 *
 * @since 0.9.9
 */
export const domainGetInterfaceParameters = query(
  'domainGetInterfaceParameters',
  257,
  { dom: domain, device: string, nparams: i32, flags },
  { params: typedParams(INTERFACE_PARAMS_MAX), nparams: i32 },
);

/**
 * Which performance events of the CPUs are counted for the domain, each boolean: `cmt`, `cache_misses`,
 * `instructions` and so on. Bulk statistics give the counts. Flags: DomainAffect, one only.
 *
 * @since 1.3.3
 */
export const domainGetPerfEvents = query(
  'domainGetPerfEvents',
  365,
  { dom: domain, flags },
  { params: typedParams(PERF_EVENTS_MAX) },
);

/**
 * Switches performance events on or off; events not named stay as they are. On a running domain the
 * host has to have the counter. Flags: DomainAffect.
 *
 * @since 1.3.3
 */
export const domainSetPerfEvents = command(
  'domainSetPerfEvents',
  366,
  { dom: domain, params: typedParams(PERF_EVENTS_MAX), flags },
  {},
);

/**
 * Makes or changes a throttle that several disks share by its name; the parameters are those of
 * `domainSetBlockIoTune` without a group name. Flags: DomainAffect.
 *
 * @since 11.2.0
 */
export const domainSetThrottleGroup = command(
  'domainSetThrottleGroup',
  451,
  { dom: domain, group: string, params: typedParams(BLOCK_IO_TUNE_PARAMS_MAX), flags },
  {},
);

/**
 * Removes a shared throttle; refused while a disk uses it. Flags: DomainAffect.
 *
 * @since 11.2.0
 */
export const domainDelThrottleGroup = command(
  'domainDelThrottleGroup',
  452,
  { dom: domain, group: optional(string), flags },
  {},
);
