/** Ports of networks: what a guest's NIC holds of its network, made by the QEMU driver at each start. */
import { always, flags, i32, list, string, u32 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { uuid } from '../xdr/uuid.ts';
import { command, query } from '../rpc/procedure.ts';
import { network, networkPort, OBJECTS_MAX } from './objects.ts';

const PORT_PARAMS_MAX = 16;

/**
 * All ports of a running network; `ret` is how many.
 *
 * @since 5.5.0
 */
export const networkListAllPorts = query(
  'networkListAllPorts',
  404,
  { network, needResults: always(1), flags },
  { ports: list(networkPort, OBJECTS_MAX), ret: u32 },
);

/**
 * The port of that UUID; code 107 where the network has none.
 *
 * @since 5.5.0
 */
export const networkPortLookupByUuid = query(
  'networkPortLookupByUuid',
  405,
  { network, uuid },
  { port: networkPort },
);

/**
 * Makes a port from XML, which must say its UUID, so that its bandwidth is reserved and its device
 * plugged in. Flags: NetworkPortCreateFlag.
 *
 * @since 5.5.0
 */
export const networkPortCreateXml = command(
  'networkPortCreateXml',
  406,
  { network, xml: string, flags },
  { port: networkPort },
);

/**
 * Bandwidth of a port: `inbound.average`, `.peak`, `.floor` and `outbound.average`, `.peak` in
 * KiB/s, `.burst` in KiB. See `callCounted`.
 *
 * @since 5.5.0
 */
export const networkPortGetParameters = query(
  'networkPortGetParameters',
  407,
  { port: networkPort, nparams: i32, flags },
  { params: typedParams(PORT_PARAMS_MAX), nparams: i32 },
);

/**
 * Changes the bandwidth of a port; the names of `networkPortGetParameters`, all uint.
 *
 * @since 5.5.0
 */
export const networkPortSetParameters = command(
  'networkPortSetParameters',
  408,
  { port: networkPort, params: typedParams(PORT_PARAMS_MAX), flags },
  {},
);

/**
 * The port as XML, with its owner, a domain.
 *
 * @since 5.5.0
 */
export const networkPortGetXmlDesc = query(
  'networkPortGetXmlDesc',
  409,
  { port: networkPort, flags },
  { xml: string },
);

/**
 * Deletes a port and frees what it reserved.
 *
 * @since 5.5.0
 */
export const networkPortDelete = command(
  'networkPortDelete',
  410,
  { port: networkPort, flags },
  {},
);
