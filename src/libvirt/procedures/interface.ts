/**
 * Interfaces of the host as its system configures them. What changes something needs a libvirt
 * built with netcf; builds with udev alone (Debian, Ubuntu, Fedora from 36 on) only read.
 */
import { always, bool, flags, list, string, u32 } from '../xdr/codec.ts';
import { command, query } from '../rpc/procedure.ts';
import { hostInterface, OBJECTS_MAX } from './objects.ts';

/**
 * All interfaces that the flags choose (InterfaceListFlag); `ret` is how many.
 *
 * @since 0.10.2
 */
export const connectListAllInterfaces = query(
  'connectListAllInterfaces',
  284,
  { needResults: always(1), flags },
  { ifaces: list(hostInterface, OBJECTS_MAX), ret: u32 },
);

/**
 * The interface of that name; code 57 where there is none.
 *
 * @since 0.6.4
 */
export const interfaceLookupByName = query(
  'interfaceLookupByName',
  128,
  { name: string },
  { iface: hostInterface },
);

/**
 * The interface of that MAC address; code 57 where there is none, 59 where several have it.
 *
 * @since 0.6.4
 */
export const interfaceLookupByMacString = query(
  'interfaceLookupByMacString',
  129,
  { mac: string },
  { iface: hostInterface },
);

/**
 * The interface as XML. Flags: InterfaceXmlFlag.
 *
 * @since 0.6.4
 */
export const interfaceGetXmlDesc = query(
  'interfaceGetXmlDesc',
  130,
  { iface: hostInterface, flags },
  { xml: string },
);

/**
 * Writes an interface into the host's configuration, without bringing it up. Flags:
 * InterfaceDefineFlag.
 *
 * @since 0.6.4
 */
export const interfaceDefineXml = command(
  'interfaceDefineXml',
  131,
  { xml: string, flags },
  { iface: hostInterface },
);

/**
 * Takes an interface out of the host's configuration.
 *
 * @since 0.6.4
 */
export const interfaceUndefine = command('interfaceUndefine', 132, { iface: hostInterface }, {});

/**
 * Brings an interface up.
 *
 * @since 0.6.4
 */
export const interfaceCreate = command('interfaceCreate', 133, { iface: hostInterface, flags }, {});

/**
 * Takes an interface down: mind which one the connection comes through.
 *
 * @since 0.6.4
 */
export const interfaceDestroy = command(
  'interfaceDestroy',
  134,
  { iface: hostInterface, flags },
  {},
);

/**
 * Whether the interface is up.
 *
 * @since 0.7.3
 */
export const interfaceIsActive = query(
  'interfaceIsActive',
  156,
  { iface: hostInterface },
  { active: bool },
);

/**
 * Remembers the host's configuration, so that the changes to come can be taken back, also by a
 * restart of the host; code 55 while an earlier one is remembered.
 *
 * @since 0.9.2
 */
export const interfaceChangeBegin = command('interfaceChangeBegin', 220, { flags }, {});

/**
 * Keeps the changes since `interfaceChangeBegin`.
 *
 * @since 0.9.2
 */
export const interfaceChangeCommit = command('interfaceChangeCommit', 221, { flags }, {});

/**
 * Takes back the changes since `interfaceChangeBegin`.
 *
 * @since 0.9.2
 */
export const interfaceChangeRollback = command('interfaceChangeRollback', 222, { flags }, {});
