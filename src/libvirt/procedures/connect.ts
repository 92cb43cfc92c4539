/**
 * The connection itself and what its host offers. Whether a connection is alive or encrypted is
 * nothing a daemon is asked: libvirt's own client, too, answers that from its socket. Left out are
 * the calls for SASL, and everywhere the older forms that a call with flags or a `listAll` replaced.
 */
import {
  always,
  bool,
  flags,
  i32,
  list,
  optional,
  string,
  struct,
  u32,
  u64,
} from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { query } from '../rpc/procedure.ts';
import { domain, OBJECTS_MAX } from './objects.ts';

const AUTH_TYPES_MAX = 20;
const CPU_MODELS_MAX = 8192;
const CPUS_COMPARED_MAX = 256;
const IDENTITY_PARAMS_MAX = 20;

/** Typed parameters of one domain in bulk statistics. */
const STATS_PARAMS_MAX = 262_144;

/**
 * Opens the URI on the daemon; once per connection, which `connect` does by itself. Flags:
 * ConnectFlag.
 *
 * @since 0.0.3
 */
export const connectOpen = query('connectOpen', 1, { name: optional(string), flags }, {});

/**
 * Ends what `connectOpen` began; `Connection.close` does it by itself.
 *
 * @since 0.0.3
 */
export const connectClose = query('connectClose', 2, {}, {});

/**
 * The driver's name: QEMU, TEST.
 *
 * @since 0.0.3
 */
export const connectGetType = query('connectGetType', 3, {}, { type: string });

/**
 * The hypervisor's version: major * 1,000,000 + minor * 1,000 + release. An error where the driver
 * finds no hypervisor program.
 *
 * @since 0.0.3
 */
export const connectGetVersion = query('connectGetVersion', 4, {}, { hvVer: u64 });

/**
 * Most vCPUs that a domain of that type ("kvm", "qemu") may have, whatever its machine: the
 * capabilities and the domain capabilities know better.
 *
 * @since 0.2.1
 */
export const connectGetMaxVcpus = query(
  'connectGetMaxVcpus',
  5,
  { type: optional(string) },
  { maxVcpus: i32 },
);

/**
 * Host and guest capabilities as XML.
 *
 * @since 0.2.1
 */
export const connectGetCapabilities = query(
  'connectGetCapabilities',
  7,
  {},
  { capabilities: string },
);

/**
 * The host's name as it calls itself; the full one where it can be resolved.
 *
 * @since 0.3.0
 */
export const connectGetHostname = query('connectGetHostname', 59, {}, { hostname: string });

/**
 * Whether the daemon has a ConnectFeature; asking for `keepalive` switches it on.
 *
 * @since 0.3.0
 */
export const connectSupportsFeature = query(
  'connectSupportsFeature',
  60,
  { feature: i32 },
  { supported: bool },
);

/**
 * The ways to authenticate that the daemon takes: 0 none, 1 SASL, 2 polkit.
 *
 * @since 0.4.0
 */
export const authList = query('authList', 66, {}, { types: list(i32, AUTH_TYPES_MAX) });

/**
 * Has polkit decide; it refuses where neither a rule nor an agent speaks for the user. `complete`
 * is 1.
 *
 * @since 0.4.0
 */
export const authPolkit = query('authPolkit', 70, {}, { complete: i32 });

/**
 * The URI as the daemon understood it.
 *
 * @since 0.3.0
 */
export const connectGetUri = query('connectGetUri', 110, {}, { uri: string });

/**
 * Turns the configuration of another program into a domain's XML. For QEMU libvirt 5.5 and newer
 * refuse the only format they had (`qemu-argv`), code 3.
 *
 * @since 0.6.4
 */
export const connectDomainXmlFromNative = query(
  'connectDomainXmlFromNative',
  135,
  { nativeFormat: string, nativeConfig: string, flags },
  { domainXml: string },
);

/**
 * The command line that a domain's XML comes to: `nativeFormat` "qemu-argv". Nothing is started,
 * and paths that a start would make up are not the real ones.
 *
 * @since 0.6.4
 */
export const connectDomainXmlToNative = query(
  'connectDomainXmlToNative',
  136,
  { nativeFormat: string, domainXml: string, flags },
  { nativeConfig: string },
);

/**
 * True when nobody between can read along from the daemon on: what matters is the daemon's own way
 * to the hypervisor, which for QEMU is always local.
 *
 * @since 0.7.3
 */
export const connectIsSecure = query('connectIsSecure', 149, {}, { secure: bool });

/**
 * Version of libvirt on the host: major * 1,000,000 + minor * 1,000 + micro.
 *
 * @since 0.7.3
 */
export const connectGetLibVersion = query('connectGetLibVersion', 157, {}, { libVer: u64 });

/**
 * Compares a CPU as XML with the host's own; `result` is a CpuCompareResult. Flags:
 * ConnectCompareCpuFlag. What guests can have is rather told by `connectCompareHypervisorCpu`.
 *
 * @since 0.7.5
 */
export const connectCompareCpu = query(
  'connectCompareCpu',
  158,
  { xml: string, flags },
  { result: i32 },
);

/**
 * The CPU as XML that hosts with all the given ones have in common. Flags: ConnectBaselineCpuFlag. What
 * guests can have is rather told by `connectBaselineHypervisorCpu`.
 *
 * @since 0.7.7
 */
export const connectBaselineCpu = query(
  'connectBaselineCpu',
  162,
  { xmlCpus: list(string, CPUS_COMPARED_MAX), flags },
  { cpu: string },
);

/**
 * The host's SMBIOS tables as XML; code 67 where the host has none that can be read.
 *
 * @since 0.8.8
 */
export const connectGetSysinfo = query('connectGetSysinfo', 203, { flags }, { sysinfo: string });

/**
 * CPU models that libvirt knows for an architecture ("x86_64"); `ret` is how many.
 *
 * @since 1.1.3
 */
export const connectGetCpuModelNames = query(
  'connectGetCpuModelNames',
  312,
  { arch: string, needResults: always(1), flags },
  { models: list(string, CPU_MODELS_MAX), ret: i32 },
);

/**
 * What domains of an emulator, architecture, machine and type can have, as XML. What is left out
 * the driver chooses. Flags: ConnectGetDomainCapabilitiesFlag.
 *
 * @since 1.2.7
 */
export const connectGetDomainCapabilities = query(
  'connectGetDomainCapabilities',
  342,
  {
    emulatorbin: optional(string),
    arch: optional(string),
    machine: optional(string),
    virttype: optional(string),
    flags,
  },
  { capabilities: string },
);

/**
 * Figures of many domains at once; an empty `doms` means all that the flags choose. `stats` are
 * DomainStats, flags DomainStatsFlag: set `nowait`. Units are in libvirt's manual of each figure.
 *
 * @since 1.2.8
 */
export const connectGetAllDomainStats = query(
  'connectGetAllDomainStats',
  344,
  { doms: list(domain, OBJECTS_MAX), stats: u32, flags },
  {
    retStats: list(struct({ dom: domain, params: typedParams(STATS_PARAMS_MAX) }), OBJECTS_MAX),
  },
);

/**
 * Asks a daemon that passes calls on to another one (virtproxyd) to tell when it lost that other.
 * A daemon that has its drivers itself takes the call and never has anything to tell.
 *
 * @since 1.3.2
 */
export const connectRegisterCloseCallback = query('connectRegisterCloseCallback', 360, {}, {});

/**
 * Takes back `connectRegisterCloseCallback`.
 *
 * @since 1.3.2
 */
export const connectUnregisterCloseCallback = query('connectUnregisterCloseCallback', 361, {}, {});

/**
 * How a CPU as XML compares with what a hypervisor can give its guests; `result` is a
 * CpuCompareResult. Flags: ConnectCompareCpuFlag.
 *
 * @since 4.4.0
 */
export const connectCompareHypervisorCpu = query(
  'connectCompareHypervisorCpu',
  393,
  {
    emulator: optional(string),
    arch: optional(string),
    machine: optional(string),
    virttype: optional(string),
    xmlCpu: string,
    flags,
  },
  { result: i32 },
);

/**
 * The CPU as XML that a hypervisor can give guests on hosts with all the given ones (host CPUs, or
 * host models of domain capabilities). Flags: ConnectBaselineCpuFlag.
 *
 * @since 4.4.0
 */
export const connectBaselineHypervisorCpu = query(
  'connectBaselineHypervisorCpu',
  394,
  {
    emulator: optional(string),
    arch: optional(string),
    machine: optional(string),
    virttype: optional(string),
    xmlCpus: list(string, CPUS_COMPARED_MAX),
    flags,
  },
  { cpu: string },
);

/**
 * Which kinds of storage pool this daemon has, with their formats, as XML.
 *
 * @since 5.2.0
 */
export const connectGetStoragePoolCapabilities = query(
  'connectGetStoragePoolCapabilities',
  403,
  { flags },
  { capabilities: string },
);

/**
 * Says on whose behalf the calls to come on this connection are made, for the daemon's access
 * control and audit: names of ConnectIdentity. A daemon with access control takes it only from
 * clients that may write, code 88 otherwise.
 *
 * @since 5.8.0
 */
export const connectSetIdentity = query(
  'connectSetIdentity',
  419,
  { params: typedParams(IDENTITY_PARAMS_MAX), flags },
  {},
);
