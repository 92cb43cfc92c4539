/** Virtual networks. Their elements change with `networkUpdate`, their ports are in a file of their own. */
import {
  always,
  bool,
  flags,
  i32,
  i64,
  list,
  optional,
  string,
  struct,
  u32,
} from '../xdr/codec.ts';
import { uuid } from '../xdr/uuid.ts';
import { command, query } from '../rpc/procedure.ts';
import { network, OBJECTS_MAX } from './objects.ts';

const LEASES_MAX = 65_536;

/**
 * All networks that the flags choose (NetworkListFlag); `ret` is how many.
 *
 * @since 0.10.2
 */
export const connectListAllNetworks = query(
  'connectListAllNetworks',
  283,
  { needResults: always(1), flags },
  { nets: list(network, OBJECTS_MAX), ret: u32 },
);

/**
 * Starts a defined network; code 55 where it runs.
 *
 * @since 0.2.0
 */
export const networkCreate = command('networkCreate', 39, { net: network }, {});

/**
 * Starts a transient network from XML.
 *
 * @since 0.2.0
 */
export const networkCreateXml = command('networkCreateXml', 40, { xml: string }, { net: network });

/**
 * Defines a network, or defines it anew, which a running one takes up at its next start.
 *
 * @since 0.2.0
 */
export const networkDefineXml = command('networkDefineXml', 41, { xml: string }, { net: network });

/**
 * Stops a network; guests keep their NICs, which nothing serves any more. A transient one is gone.
 *
 * @since 0.2.0
 */
export const networkDestroy = command('networkDestroy', 42, { net: network }, {});

/**
 * The network as XML. Flags: NetworkXmlFlag.
 *
 * @since 0.2.0
 */
export const networkGetXmlDesc = query(
  'networkGetXmlDesc',
  43,
  { net: network, flags },
  { xml: string },
);

/**
 * Whether the network starts with the daemon.
 *
 * @since 0.2.1
 */
export const networkGetAutostart = query(
  'networkGetAutostart',
  44,
  { net: network },
  { autostart: bool },
);

/**
 * The host's bridge of the network; code 1 for networks without one.
 *
 * @since 0.2.0
 */
export const networkGetBridgeName = query(
  'networkGetBridgeName',
  45,
  { net: network },
  { name: string },
);

/**
 * The network of that name; code 43 where there is none.
 *
 * @since 0.2.0
 */
export const networkLookupByName = query(
  'networkLookupByName',
  46,
  { name: string },
  { net: network },
);

/**
 * The network of that UUID; code 43 where there is none.
 *
 * @since 0.2.0
 */
export const networkLookupByUuid = query('networkLookupByUuid', 47, { uuid }, { net: network });

/**
 * Sets whether the network starts with the daemon; code 55 for a transient one.
 *
 * @since 0.2.1
 */
export const networkSetAutostart = command(
  'networkSetAutostart',
  48,
  { net: network, autostart: bool },
  {},
);

/**
 * Removes the definition; a running network becomes a transient one.
 *
 * @since 0.2.0
 */
export const networkUndefine = command('networkUndefine', 49, { net: network }, {});

/**
 * Whether the network runs.
 *
 * @since 0.7.3
 */
export const networkIsActive = query('networkIsActive', 152, { net: network }, { active: bool });

/**
 * Whether the network has a definition.
 *
 * @since 0.7.3
 */
export const networkIsPersistent = query(
  'networkIsPersistent',
  153,
  { net: network },
  { persistent: bool },
);

/**
 * Leases that the network's DHCP server gave, of one MAC or all; `ret` is how many. `expirytime` is
 * seconds since the epoch, 0 for ever; `type` is an IpAddrType, `prefix` in bits.
 *
 * @since 1.2.6
 */
export const networkGetDhcpLeases = query(
  'networkGetDhcpLeases',
  341,
  { net: network, mac: optional(string), needResults: always(1), flags },
  {
    leases: list(
      struct({
        iface: string,
        expirytime: i64,
        type: i32,
        mac: optional(string),
        iaid: optional(string),
        ipaddr: string,
        prefix: u32,
        hostname: optional(string),
        clientid: optional(string),
      }),
      LEASES_MAX,
    ),
    ret: u32,
  },
);

/**
 * `networkDefineXml` with flags: NetworkDefineFlag.
 *
 * @since 7.7.0
 */
export const networkDefineXmlFlags = command(
  'networkDefineXmlFlags',
  432,
  { xml: string, flags },
  { net: network },
);

/**
 * `networkCreateXml` with flags: NetworkCreateFlag.
 *
 * @since 7.8.0
 */
export const networkCreateXmlFlags = command(
  'networkCreateXmlFlags',
  437,
  { xml: string, flags },
  { net: network },
);

/**
 * Sets a network's title, description or an element of its metadata; `type` is a
 * NetworkMetadataType, `key` (the prefix) and `uri` (the namespace) are for elements alone. Without
 * `metadata` it is removed. Flags: NetworkUpdateFlag.
 *
 * @since 9.7.0
 */
export const networkSetMetadata = command(
  'networkSetMetadata',
  444,
  {
    network,
    type: i32,
    metadata: optional(string),
    key: optional(string),
    uri: optional(string),
    flags,
  },
  {},
);

/**
 * A network's title, description or an element of its metadata; `type` is a NetworkMetadataType,
 * `uri` the namespace of an element. Code 111 where it has none. Flags:
 * NetworkUpdateFlag.
 *
 * @since 9.7.0
 */
export const networkGetMetadata = query(
  'networkGetMetadata',
  445,
  { network, type: i32, uri: optional(string), flags },
  { metadata: string },
);
