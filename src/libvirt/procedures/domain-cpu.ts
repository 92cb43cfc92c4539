/** vCPUs, threads and where they may run. CPU maps have a bit per CPU, CPU 0 the lowest of the first byte. */
import { bool, flags, i32, list, opaque, string, struct, u32, u64 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

/** Longest CPU map: 16,384 CPUs. */
export const CPUMAP_BYTES_MAX = 2048;

/** Longest row of CPU maps in one reply. */
const CPUMAPS_BYTES_MAX = 8 * 1024 * 1024;

const VCPUS_MAX = 16_384;
const IOTHREADS_MAX = 16_384;
const IOTHREAD_PARAMS_MAX = 64;
const GUEST_VCPU_PARAMS_MAX = 64;

const cpumap = opaque(CPUMAP_BYTES_MAX);

/**
 * The vCPUs of a running domain, at most `maxinfo`: number, VcpuState, CPU time in ns and the host CPU
 * each is on now, or a VcpuHostCpuState below 0. `cpumaps` holds `maplen` bytes for each: where it
 * may run.
 *
 * @since 0.1.4
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

/**
 * Sets the number of vCPUs: those in use, with `maximum` the most there can be (in the definition
 * only), with `guest` by the agent. Flags: DomainVcpuFlag.
 *
 * @since 0.8.5
 */
export const domainSetVcpusFlags = command(
  'domainSetVcpusFlags',
  199,
  { dom: domain, nvcpus: u32, flags },
  {},
);

/**
 * The number of vCPUs that the flags ask for. Flags: DomainVcpuFlag.
 *
 * @since 0.8.5
 */
export const domainGetVcpusFlags = query(
  'domainGetVcpusFlags',
  200,
  { dom: domain, flags },
  { num: i32 },
);

/**
 * Pins one vCPU. Told by DomainEvent.tunable as `cputune.vcpupinN`. Flags: DomainAffect.
 *
 * @since 0.9.3
 */
export const domainPinVcpuFlags = command(
  'domainPinVcpuFlags',
  225,
  { dom: domain, vcpu: u32, cpumap, flags },
  {},
);

/**
 * Pins of the first `ncpumaps` vCPUs, `maplen` bytes each; `num` are filled. One that is not pinned may
 * run on every CPU of the host. Flags: DomainAffect, one only.
 *
 * @since 0.9.3
 */
export const domainGetVcpuPinInfo = query(
  'domainGetVcpuPinInfo',
  230,
  { dom: domain, ncpumaps: i32, maplen: i32, flags },
  { cpumaps: opaque(CPUMAPS_BYTES_MAX), num: i32 },
);

/**
 * Pins the threads of the emulator that are neither vCPU nor I/O thread. Told by
 * DomainEvent.tunable as `cputune.emulatorpin`. Flags: DomainAffect.
 *
 * @since 0.10.0
 */
export const domainPinEmulator = command(
  'domainPinEmulator',
  279,
  { dom: domain, cpumap, flags },
  {},
);

/**
 * `ret` is 1 when the emulator is pinned, 0 when it may run anywhere. Flags: DomainAffect, one only.
 *
 * @since 0.10.0
 */
export const domainGetEmulatorPinInfo = query(
  'domainGetEmulatorPinInfo',
  280,
  { dom: domain, maplen: i32, flags },
  { cpumaps: opaque(CPUMAPS_BYTES_MAX), ret: i32 },
);

/**
 * The I/O threads and where each may run. Flags: DomainAffect, one only.
 *
 * @since 1.2.14
 */
export const domainGetIothreadInfo = query(
  'domainGetIothreadInfo',
  351,
  { dom: domain, flags },
  { info: list(struct({ iothreadId: u32, cpumap }), IOTHREADS_MAX), ret: u32 },
);

/**
 * Pins one I/O thread, by its id. Told by DomainEvent.tunable as `cputune.iothreadpinN`. Flags:
 * DomainAffect.
 *
 * @since 1.2.14
 */
export const domainPinIothread = command(
  'domainPinIothread',
  352,
  { dom: domain, iothreadsId: u32, cpumap, flags },
  {},
);

/**
 * Adds an I/O thread with that id, 1 or more. Flags: DomainAffect.
 *
 * @since 1.2.15
 */
export const domainAddIothread = command(
  'domainAddIothread',
  355,
  { dom: domain, iothreadId: u32, flags },
  {},
);

/**
 * Removes an I/O thread; refused while a disk uses it. Flags: DomainAffect.
 *
 * @since 1.2.15
 */
export const domainDelIothread = command(
  'domainDelIothread',
  356,
  { dom: domain, iothreadId: u32, flags },
  {},
);

/**
 * Tunes an I/O thread of a running domain: `poll_max_ns` (ullong, ns), `poll_grow` and `poll_shrink`
 * (uint), `thread_pool_min` and `thread_pool_max` (int; libvirt 8.5). The setting ends with the
 * domain, and bulk statistics show it. Flags: DomainAffect; `config` since libvirt 9.4.
 *
 * @since 4.10.0
 */
export const domainSetIothreadParams = command(
  'domainSetIothreadParams',
  402,
  { dom: domain, iothreadId: u32, params: typedParams(IOTHREAD_PARAMS_MAX), flags },
  {},
);

/**
 * Plugs single vCPUs ("0-3,8") in or out. What they are: a vCPU that is plugged as a group with
 * others only goes with them. Flags: DomainAffect.
 *
 * @since 3.1.0
 */
export const domainSetVcpu = command(
  'domainSetVcpu',
  384,
  { dom: domain, cpumap: string, state: bool, flags },
  {},
);

/**
 * What the guest itself, by its agent, has of vCPUs: `vcpus`, those `online` and those `offlinable`,
 * each a list such as "0-3,8". No flags are known. Code 86 where no agent answers.
 *
 * @since 2.0.0
 */
export const domainGetGuestVcpus = query(
  'domainGetGuestVcpus',
  371,
  { dom: domain, flags },
  { params: typedParams(GUEST_VCPU_PARAMS_MAX) },
);

/**
 * Has the guest, by its agent, take single vCPUs ("0-3,8") into use or out of it; the machine keeps
 * them. No flags are known.
 *
 * @since 2.0.0
 */
export const domainSetGuestVcpus = command(
  'domainSetGuestVcpus',
  372,
  { dom: domain, cpumap: string, state: bool, flags },
  {},
);
