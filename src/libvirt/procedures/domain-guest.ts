/**
 * What the guest itself tells and does, mostly by its agent (org.qemu.guest_agent.0): code 86 where the
 * agent does not answer, 113 where it refuses, 112 where it takes longer than
 * `domainAgentSetResponseTimeout` allows.
 */
import { flags, i32, i64, list, optional, string, struct, u32, u64 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { command, query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

const INTERFACES_MAX = 2048;
const ADDRESSES_MAX = 2048;
const GUEST_INFO_PARAMS_MAX = 2048;
const FILE_SYSTEMS_MAX = 256;
const FS_DISKS_MAX = 256;
const SSH_KEYS_MAX = 2048;

const address = struct({ type: i32, addr: string, prefix: u32 });

const fileSystem = struct({
  mountpoint: string,
  name: string,
  fstype: string,
  devAliases: list(string, FS_DISKS_MAX),
});

/**
 * The guest's name: what its agent says, or what a DHCP server of libvirt knows. Flags:
 * DomainHostnameFlag; none leaves it to the driver. Code 108 says that no name is known.
 *
 * @since 0.10.0
 */
export const domainGetHostname = query(
  'domainGetHostname',
  277,
  { dom: domain, flags },
  { hostname: string },
);

/**
 * Addresses of a guest, from a DomainInterfaceAddressSource; types are IpAddrType, prefixes in bits.
 * No flags are known.
 *
 * @since 1.2.14
 */
export const domainInterfaceAddresses = query(
  'domainInterfaceAddresses',
  353,
  { dom: domain, source: u32, flags },
  {
    ifaces: list(
      struct({ name: string, hwaddr: optional(string), addrs: list(address, ADDRESSES_MAX) }),
      INTERFACES_MAX,
    ),
  },
);

/**
 * What the agent knows of users, system, disks and so on (`types`: DomainGuestInfoType, 0 for all),
 * as `user.count`, `user.0.name`, `os.id` and the like. No flags are known.
 *
 * @since 5.7.0
 */
export const domainGetGuestInfo = query(
  'domainGetGuestInfo',
  418,
  { dom: domain, types: u32, flags },
  { params: typedParams(GUEST_INFO_PARAMS_MAX) },
);

/**
 * File systems that the guest has mounted, with the targets of the disks they lie on. No flags are
 * known.
 *
 * @since 1.2.11
 */
export const domainGetFsinfo = query(
  'domainGetFsinfo',
  349,
  { dom: domain, flags },
  { info: list(fileSystem, FILE_SYSTEMS_MAX), ret: u32 },
);

/**
 * Has the guest tell its disks which blocks are free: in one file system, or in all. `minimum` is the
 * smallest free range to tell, in bytes; QEMU wants all and 0. No flags are known.
 *
 * @since 1.0.1
 */
export const domainFstrim = command(
  'domainFstrim',
  294,
  { dom: domain, mountPoint: optional(string), minimum: u64, flags },
  {},
);

/**
 * Has the guest write out and hold its file systems, all where no mount points are given; the reply
 * tells how many. They stay held until `domainFsthaw`, also when this client is gone. No flags are
 * known.
 *
 * @since 1.2.5
 */
export const domainFsfreeze = command(
  'domainFsfreeze',
  335,
  { dom: domain, mountpoints: list(string, FILE_SYSTEMS_MAX), flags },
  { filesystems: i32 },
);

/**
 * Lets go what `domainFsfreeze` holds; the reply tells how many file systems. QEMU's agent knows no
 * single ones and lets all go. No flags are known.
 *
 * @since 1.2.5
 */
export const domainFsthaw = command(
  'domainFsthaw',
  336,
  { dom: domain, mountpoints: list(string, FILE_SYSTEMS_MAX), flags },
  { filesystems: i32 },
);

/**
 * The guest's clock: seconds since the epoch, and nanoseconds of that second. No flags are known.
 *
 * @since 1.2.5
 */
export const domainGetTime = query(
  'domainGetTime',
  337,
  { dom: domain, flags },
  { seconds: i64, nseconds: u32 },
);

/**
 * Sets the guest's clock; with DomainTimeFlag.sync from its hardware clock, and the numbers have to
 * be 0. Useful after a restore or a long pause. Flags: DomainTimeFlag.
 *
 * @since 1.2.5
 */
export const domainSetTime = command(
  'domainSetTime',
  338,
  { dom: domain, seconds: i64, nseconds: u32, flags },
  {},
);

/**
 * Sets the password of a user of the guest. Flags: DomainPasswordFlag. The password travels in clear
 * where the connection is not secure.
 *
 * @since 1.2.16
 */
export const domainSetUserPassword = command(
  'domainSetUserPassword',
  357,
  { dom: domain, user: optional(string), password: optional(string), flags },
  {},
);

/**
 * The lines of a guest user's authorized_keys. No flags are known.
 *
 * @since 6.10.0
 */
export const domainAuthorizedSshKeysGet = query(
  'domainAuthorizedSshKeysGet',
  424,
  { dom: domain, user: string, flags },
  { keys: list(string, SSH_KEYS_MAX) },
);

/**
 * Writes a guest user's authorized_keys anew with these keys, or adds or removes them. Flags:
 * DomainAuthorizedSshKeysSetFlag.
 *
 * @since 6.10.0
 */
export const domainAuthorizedSshKeysSet = command(
  'domainAuthorizedSshKeysSet',
  425,
  { dom: domain, user: string, keys: list(string, SSH_KEYS_MAX), flags },
  {},
);

/**
 * How many seconds libvirt waits for answers of this domain's agent, or a DomainAgentTimeout; unless
 * set, it waits for ever. It holds until the domain ends. Calls that take longer fail with code 112.
 * `result` is 0. No flags are known.
 *
 * @since 5.10.0
 */
export const domainAgentSetResponseTimeout = command(
  'domainAgentSetResponseTimeout',
  420,
  { dom: domain, timeout: i32, flags },
  { result: i32 },
);
