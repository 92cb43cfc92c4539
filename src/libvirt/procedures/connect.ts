/** The connection itself, what its host offers, and bulk statistics. */
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

/** Typed parameters of one domain in bulk statistics. */
const STATS_PARAMS_MAX = 262_144;

/** Opens the URI on the daemon; once per connection. Flags: ConnectFlag. */
export const connectOpen = query('connectOpen', 1, { name: optional(string), flags }, {});

/** Ends what `connectOpen` began. */
export const connectClose = query('connectClose', 2, {}, {});

/** The driver's name: QEMU, TEST. */
export const connectGetType = query('connectGetType', 3, {}, { type: string });

/** The hypervisor's version: major * 1,000,000 + minor * 1,000 + release. */
export const connectGetVersion = query('connectGetVersion', 4, {}, { hvVer: u64 });

/** Most vCPUs a domain of that type ("kvm", "qemu") may have. */
export const connectGetMaxVcpus = query(
  'connectGetMaxVcpus',
  5,
  { type: optional(string) },
  { maxVcpus: i32 },
);

/** Host and guest capabilities as XML. */
export const connectGetCapabilities = query(
  'connectGetCapabilities',
  7,
  {},
  { capabilities: string },
);

export const connectGetHostname = query('connectGetHostname', 59, {}, { hostname: string });

/** Asks for a ConnectFeature; asking for `keepalive` switches it on. */
export const connectSupportsFeature = query(
  'connectSupportsFeature',
  60,
  { feature: i32 },
  { supported: bool },
);

/** The ways to authenticate that the daemon takes: 0 none, 1 SASL, 2 polkit. */
export const authList = query('authList', 66, {}, { types: list(i32, AUTH_TYPES_MAX) });

/** Has polkit decide; it refuses where neither a rule nor an agent speaks for the user. */
export const authPolkit = query('authPolkit', 70, {}, { complete: i32 });

/** The URI as the daemon understood it. */
export const connectGetUri = query('connectGetUri', 110, {}, { uri: string });

/** True when nobody between can read along: unix sockets and TLS. */
export const connectIsSecure = query('connectIsSecure', 149, {}, { secure: bool });

/** Version of libvirt on the host: major * 1,000,000 + minor * 1,000 + micro. */
export const connectGetLibVersion = query('connectGetLibVersion', 157, {}, { libVer: u64 });

/** The host's SMBIOS tables as XML. */
export const connectGetSysinfo = query('connectGetSysinfo', 203, { flags }, { sysinfo: string });

/** CPU models libvirt knows for an architecture. */
export const connectGetCpuModelNames = query(
  'connectGetCpuModelNames',
  312,
  { arch: string, needResults: always(1), flags },
  { models: list(string, CPU_MODELS_MAX), ret: i32 },
);

/** What domains of an emulator, architecture, machine and type can have, as XML. */
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
 * DomainStats, flags DomainStatsFlag: set `nowait`.
 */
export const connectGetAllDomainStats = query(
  'connectGetAllDomainStats',
  344,
  { doms: list(domain, OBJECTS_MAX), stats: u32, flags },
  {
    retStats: list(struct({ dom: domain, params: typedParams(STATS_PARAMS_MAX) }), OBJECTS_MAX),
  },
);

/** How a CPU as XML compares with what the hypervisor offers: -1 error, 0 incompatible, 1 identical, 2 superset. */
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

/** The CPU that all the given ones can run. */
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
