/** Devices of the host. */
import { always, flags, list, optional, string, u32 } from '../xdr/codec.ts';
import { command, query } from '../rpc/procedure.ts';
import { NODE_DEVICES_MAX, nodeDevice } from './objects.ts';

/** All devices that the flags choose (NodeDeviceListFlag). */
export const connectListAllNodeDevices = query(
  'connectListAllNodeDevices',
  285,
  { needResults: always(1), flags },
  { devices: list(nodeDevice, NODE_DEVICES_MAX), ret: u32 },
);

export const nodeDeviceLookupByName = query(
  'nodeDeviceLookupByName',
  113,
  { name: string },
  { dev: nodeDevice },
);

export const nodeDeviceGetXmlDesc = query(
  'nodeDeviceGetXmlDesc',
  114,
  { name: string, flags },
  { xml: string },
);

export const nodeDeviceGetParent = query(
  'nodeDeviceGetParent',
  115,
  { name: string },
  { parentName: optional(string) },
);

/** Gives a device back to the host's driver. */
export const nodeDeviceReAttach = command('nodeDeviceReAttach', 119, { name: string }, {});

export const nodeDeviceReset = command('nodeDeviceReset', 120, { name: string }, {});

/** Takes a device from the host's driver, for a guest; `driverName` "vfio" or none. */
export const nodeDeviceDetachFlags = command(
  'nodeDeviceDetachFlags',
  301,
  { name: string, driverName: optional(string), flags },
  {},
);
