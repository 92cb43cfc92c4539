/** What a domain is, in which state, and what is written on it. */
import { flags, i32, list, optional, string, u32, u64 } from '../xdr/codec.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

const MESSAGES_MAX = 2048;

/**
 * State (DomainState), memory in KiB (the most it can have, and what it has now), number of vCPUs, and
 * CPU time in ns. It may wait for a monitor that is busy; `domainGetState` never does.
 *
 * @since 0.0.3
 */
export const domainGetInfo = query(
  'domainGetInfo',
  16,
  { dom: domain },
  { state: u32, maxMem: u64, memory: u64, nrVirtCpu: u32, cpuTime: u64 },
);

/**
 * The kind of guest that the domain's machine is made for: "hvm", "linux", "xen", "exe".
 *
 * @since 0.0.3
 */
export const domainGetOsType = query('domainGetOsType', 19, { dom: domain }, { type: string });

/**
 * `state` is a DomainState; what `reason` means depends on it (DomainRunningReason and its like).
 * No flags are known.
 *
 * @since 0.9.2
 */
export const domainGetState = query(
  'domainGetState',
  212,
  { dom: domain, flags },
  { state: i32, reason: i32 },
);

/**
 * How libvirt gets on with the domain's monitor: `state` is a DomainControlState, `details` a
 * DomainControlErrorReason while the state is `error`, and `stateTime` says for how many ms it has
 * been so (0 while all is well). Answers while the monitor hangs. No flags are known.
 *
 * @since 0.9.3
 */
export const domainGetControlInfo = query(
  'domainGetControlInfo',
  229,
  { dom: domain, flags },
  { state: u32, details: u32, stateTime: u64 },
);

/**
 * Sets title, description or an element of one namespace (`type`: DomainMetadataType); without
 * `metadata` it is removed. `key` is the prefix and `uri` the namespace of an element, both left out
 * otherwise. A title is one line. Told by DomainEvent.metadataChange. Flags: DomainAffect.
 *
 * @since 0.9.10
 */
export const domainSetMetadata = command(
  'domainSetMetadata',
  264,
  {
    dom: domain,
    type: i32,
    metadata: optional(string),
    key: optional(string),
    uri: optional(string),
    flags,
  },
  {},
);

/**
 * Reads what `domainSetMetadata` set; code 80 where there is none. Flags: DomainAffect, one only.
 *
 * @since 0.9.10
 */
export const domainGetMetadata = query(
  'domainGetMetadata',
  265,
  { dom: domain, type: i32, uri: optional(string), flags },
  { metadata: string },
);

/**
 * Warnings about the domain for people to read: parts that are deprecated, settings that taint.
 * Flags: DomainMessageType; none asks for all.
 *
 * @since 7.1.0
 */
export const domainGetMessages = query(
  'domainGetMessages',
  426,
  { dom: domain, flags },
  { msgs: list(string, MESSAGES_MAX) },
);
