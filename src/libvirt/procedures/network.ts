/** Virtual networks. */
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

/** All networks that the flags choose (NetworkListFlag). */
export const connectListAllNetworks = query(
  'connectListAllNetworks',
  283,
  { needResults: always(1), flags },
  { nets: list(network, OBJECTS_MAX), ret: u32 },
);

/** Starts a defined network. */
export const networkCreate = command('networkCreate', 39, { net: network }, {});

/** Starts a transient network from XML. */
export const networkCreateXml = command('networkCreateXml', 40, { xml: string }, { net: network });

export const networkDefineXml = command('networkDefineXml', 41, { xml: string }, { net: network });

/** Stops a network. */
export const networkDestroy = command('networkDestroy', 42, { net: network }, {});

export const networkGetXmlDesc = query(
  'networkGetXmlDesc',
  43,
  { net: network, flags },
  { xml: string },
);

export const networkGetAutostart = query(
  'networkGetAutostart',
  44,
  { net: network },
  { autostart: bool },
);

/** The host's bridge of the network; an error for networks without one. */
export const networkGetBridgeName = query(
  'networkGetBridgeName',
  45,
  { net: network },
  { name: string },
);

export const networkLookupByName = query(
  'networkLookupByName',
  46,
  { name: string },
  { net: network },
);

export const networkLookupByUuid = query('networkLookupByUuid', 47, { uuid }, { net: network });

export const networkSetAutostart = command(
  'networkSetAutostart',
  48,
  { net: network, autostart: bool },
  {},
);

/** Removes the definition. */
export const networkUndefine = command('networkUndefine', 49, { net: network }, {});

export const networkIsActive = query('networkIsActive', 152, { net: network }, { active: bool });

export const networkIsPersistent = query(
  'networkIsPersistent',
  153,
  { net: network },
  { persistent: bool },
);

/**
 * Leases that the network's DHCP server gave, of one MAC or all. `expirytime` is seconds since
 * the epoch, 0 for ever; `type` 0 is IPv4, 1 IPv6.
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

/** `networkDefineXml` with NetworkDefineFlag. Libvirt 7.7. */
export const networkDefineXmlFlags = command(
  'networkDefineXmlFlags',
  432,
  { xml: string, flags },
  { net: network },
);
