/** Devices of the host, such as `pci_0000_00_1f_2`. */
import { always, bool, flags, i32, list, optional, string, u32 } from '../xdr/codec.ts';
import { command, query } from '../rpc/procedure.ts';
import { NODE_DEVICES_MAX, nodeDevice } from './objects.ts';

/** Longest list of the capabilities of one device. */
const DEVICE_CAPS_MAX = 65_536;

/**
 * All devices that the flags choose (NodeDeviceListFlag); `ret` is how many.
 *
 * @since 0.10.2
 */
export const connectListAllNodeDevices = query(
  'connectListAllNodeDevices',
  285,
  { needResults: always(1), flags },
  { devices: list(nodeDevice, NODE_DEVICES_MAX), ret: u32 },
);

/**
 * The device of that name; code 53 where there is none.
 *
 * @since 0.5.0
 */
export const nodeDeviceLookupByName = query(
  'nodeDeviceLookupByName',
  113,
  { name: string },
  { dev: nodeDevice },
);

/**
 * The device as XML. Flags: NodeDeviceXmlFlag.
 *
 * @since 0.5.0
 */
export const nodeDeviceGetXmlDesc = query(
  'nodeDeviceGetXmlDesc',
  114,
  { name: string, flags },
  { xml: string },
);

/**
 * The name of the device that this one hangs on; none for the host itself.
 *
 * @since 0.5.0
 */
export const nodeDeviceGetParent = query(
  'nodeDeviceGetParent',
  115,
  { name: string },
  { parentName: optional(string) },
);

/**
 * How many capabilities a device has, for `nodeDeviceListCaps`.
 *
 * @since 0.5.0
 */
export const nodeDeviceNumOfCaps = query(
  'nodeDeviceNumOfCaps',
  116,
  { name: string },
  { num: i32 },
);

/**
 * The kinds of thing that a device is ("pci", "net", "vfio"...), at most `maxnames` of them.
 *
 * @since 0.5.0
 */
export const nodeDeviceListCaps = query(
  'nodeDeviceListCaps',
  117,
  { name: string, maxnames: i32 },
  { names: list(string, DEVICE_CAPS_MAX) },
);

/**
 * Gives a device back to the host's driver.
 *
 * @since 0.6.1
 */
export const nodeDeviceReAttach = command('nodeDeviceReAttach', 119, { name: string }, {});

/**
 * Resets a device, which must be detached; one that shares its reset with others is refused.
 *
 * @since 0.6.1
 */
export const nodeDeviceReset = command('nodeDeviceReset', 120, { name: string }, {});

/**
 * Makes a device that lasts until the host restarts: a virtual host bus adapter or a mediated
 * device. Flags: NodeDeviceCreateXmlFlag.
 *
 * @since 0.6.3
 */
export const nodeDeviceCreateXml = command(
  'nodeDeviceCreateXml',
  123,
  { xmlDesc: string, flags },
  { dev: nodeDevice },
);

/**
 * Stops a device that libvirt made; a mediated one with a definition keeps that.
 *
 * @since 0.6.3
 */
export const nodeDeviceDestroy = command('nodeDeviceDestroy', 124, { name: string }, {});

/**
 * The Fibre Channel adapter of those world wide names (node and port, 16 hexadecimal digits each).
 * Where there is none libvirt 9 answers with code 1 and no reason.
 *
 * @since 1.0.3
 */
export const nodeDeviceLookupScsiHostByWwn = query(
  'nodeDeviceLookupScsiHostByWwn',
  297,
  { wwnn: string, wwpn: string, flags },
  { dev: nodeDevice },
);

/**
 * Takes a device from the host's driver, for a guest; `driverName` "vfio" or none. Code 55 where a
 * guest has it.
 *
 * @since 1.0.5
 */
export const nodeDeviceDetachFlags = command(
  'nodeDeviceDetachFlags',
  301,
  { name: string, driverName: optional(string), flags },
  {},
);

/**
 * Defines a mediated device, which then outlasts the host's restarts. Flags: NodeDeviceDefineXmlFlag.
 *
 * @since 7.3.0
 */
export const nodeDeviceDefineXml = command(
  'nodeDeviceDefineXml',
  428,
  { xmlDesc: string, flags },
  { dev: nodeDevice },
);

/**
 * Removes the definition of a mediated device; a running one stays until it is stopped.
 *
 * @since 7.3.0
 */
export const nodeDeviceUndefine = command('nodeDeviceUndefine', 429, { name: string, flags }, {});

/**
 * Starts a defined mediated device.
 *
 * @since 7.3.0
 */
export const nodeDeviceCreate = command('nodeDeviceCreate', 430, { name: string, flags }, {});

/**
 * Whether a device is made at the start of the host.
 *
 * @since 7.8.0
 */
export const nodeDeviceGetAutostart = query(
  'nodeDeviceGetAutostart',
  433,
  { name: string },
  { autostart: bool },
);

/**
 * Sets whether a mediated device is made at the start of the host; code 84 for all others.
 *
 * @since 7.8.0
 */
export const nodeDeviceSetAutostart = command(
  'nodeDeviceSetAutostart',
  434,
  { name: string, autostart: bool },
  {},
);

/**
 * Whether a device outlasts the host's restarts: all physical ones do.
 *
 * @since 7.8.0
 */
export const nodeDeviceIsPersistent = query(
  'nodeDeviceIsPersistent',
  435,
  { name: string },
  { persistent: bool },
);

/**
 * Whether a device is there, and not only defined.
 *
 * @since 7.8.0
 */
export const nodeDeviceIsActive = query(
  'nodeDeviceIsActive',
  436,
  { name: string },
  { active: bool },
);

/**
 * Changes a mediated device, of s390 only so far. Flags: NodeDeviceUpdateFlag.
 *
 * @since 10.1.0
 */
export const nodeDeviceUpdate = command(
  'nodeDeviceUpdate',
  447,
  { name: string, xmlDesc: string, flags },
  {},
);
