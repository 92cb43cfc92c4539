/** vCPUs, threads and where they may run. CPU maps have a bit per CPU, CPU 0 the lowest of the first byte. */
import { flags, i32, list, opaque, string, struct, u32, u64 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

/** Longest CPU map: 16,384 CPUs. */
export const CPUMAP_BYTES_MAX = 2048;

/** Longest row of CPU maps in one reply. */
const CPUMAPS_BYTES_MAX = 8 * 1024 * 1024;

const VCPUS_MAX = 16_384;
const IOTHREADS_MAX = 16_384;
const SCHEDULER_PARAMS_MAX = 16;
const NUMA_PARAMS_MAX = 16;

const cpumap = opaque(CPUMAP_BYTES_MAX);

/**
 * The vCPUs of a running domain, at most `maxinfo`: CPU time in ns and the CPU each is on now (or
 * -1). `cpumaps` holds `maplen` bytes for each.
 */
export const domainGetVcpus = query(
  'domainGetVcpus',
  20,
  { dom: domain, maxinfo: i32, maplen: i32 },
  {
    info: list(struct({ number: u32, state: i32, cpuTime: u64, cpu: i32 }), VCPUS_MAX),
    cpumaps: opaque(CPUMAPS_BYTES_MAX),
  },
);

/** Sets the number of vCPUs. Flags: DomainVcpuFlag. */
export const domainSetVcpusFlags = command(
  'domainSetVcpusFlags',
  199,
  { dom: domain, nvcpus: u32, flags },
  {},
);

/** The number of vCPUs that the flags ask for (DomainVcpuFlag). */
export const domainGetVcpusFlags = query(
  'domainGetVcpusFlags',
  200,
  { dom: domain, flags },
  { num: i32 },
);

/** Scheduler figures: `cpu_shares`, `vcpu_quota`, `vcpu_period` and so on, periods in µs. */
export const domainGetSchedulerParametersFlags = query(
  'domainGetSchedulerParametersFlags',
  223,
  { dom: domain, nparams: i32, flags },
  { params: typedParams(SCHEDULER_PARAMS_MAX) },
);

export const domainSetSchedulerParametersFlags = command(
  'domainSetSchedulerParametersFlags',
  219,
  { dom: domain, params: typedParams(SCHEDULER_PARAMS_MAX), flags },
  {},
);

/** Pins one vCPU. Flags: DomainAffect. */
export const domainPinVcpuFlags = command(
  'domainPinVcpuFlags',
  225,
  { dom: domain, vcpu: u32, cpumap, flags },
  {},
);

/** Pins of the first `ncpumaps` vCPUs, `maplen` bytes each; `num` are filled. */
export const domainGetVcpuPinInfo = query(
  'domainGetVcpuPinInfo',
  230,
  { dom: domain, ncpumaps: i32, maplen: i32, flags },
  { cpumaps: opaque(CPUMAPS_BYTES_MAX), num: i32 },
);

/** Pins the threads of the emulator that are neither vCPU nor I/O thread. */
export const domainPinEmulator = command(
  'domainPinEmulator',
  279,
  { dom: domain, cpumap, flags },
  {},
);

/** `ret` is 1 when the emulator is pinned, 0 when it may run anywhere. */
export const domainGetEmulatorPinInfo = query(
  'domainGetEmulatorPinInfo',
  280,
  { dom: domain, maplen: i32, flags },
  { cpumaps: opaque(CPUMAPS_BYTES_MAX), ret: i32 },
);

/** The I/O threads and where each may run. */
export const domainGetIothreadInfo = query(
  'domainGetIothreadInfo',
  351,
  { dom: domain, flags },
  { info: list(struct({ iothreadId: u32, cpumap }), IOTHREADS_MAX), ret: u32 },
);

/** Pins one I/O thread, by its id. */
export const domainPinIothread = command(
  'domainPinIothread',
  352,
  { dom: domain, iothreadsId: u32, cpumap, flags },
  {},
);

export const domainAddIothread = command(
  'domainAddIothread',
  355,
  { dom: domain, iothreadId: u32, flags },
  {},
);

export const domainDelIothread = command(
  'domainDelIothread',
  356,
  { dom: domain, iothreadId: u32, flags },
  {},
);

/** Switches single vCPUs ("0-3,8") on or off. Libvirt 3.1. */
export const domainSetVcpu = command(
  'domainSetVcpu',
  384,
  { dom: domain, cpumap: string, state: i32, flags },
  {},
);

/** Sets the memory policy: `numa_nodeset` (string) and `numa_mode` (int, DomainNumatuneMode). */
export const domainSetNumaParameters = command(
  'domainSetNumaParameters',
  254,
  { dom: domain, params: typedParams(NUMA_PARAMS_MAX), flags },
  {},
);

/** The memory policy. Its text comes only with `TypedParamFlag.stringOkay` among the flags. See `callCounted`. */
export const domainGetNumaParameters = query(
  'domainGetNumaParameters',
  255,
  { dom: domain, nparams: i32, flags },
  { params: typedParams(NUMA_PARAMS_MAX), nparams: i32 },
);
