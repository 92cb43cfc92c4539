/** Network filters, and their bindings to the NICs of guests. */
import { always, flags, list, string, u32 } from '../xdr/codec.ts';
import { uuid } from '../xdr/uuid.ts';
import { command, query } from '../rpc/procedure.ts';
import { nwfilter, nwfilterBinding, OBJECTS_MAX } from './objects.ts';

/**
 * All filters; `ret` is how many.
 *
 * @since 0.10.2
 */
export const connectListAllNwfilters = query(
  'connectListAllNwfilters',
  286,
  { needResults: always(1), flags },
  { filters: list(nwfilter, OBJECTS_MAX), ret: u32 },
);

/**
 * The filter of that name; code 62 where there is none.
 *
 * @since 0.8.0
 */
export const nwfilterLookupByName = query(
  'nwfilterLookupByName',
  175,
  { name: string },
  { nwfilter },
);

/**
 * The filter of that UUID; code 62 where there is none.
 *
 * @since 0.8.0
 */
export const nwfilterLookupByUuid = query('nwfilterLookupByUuid', 176, { uuid }, { nwfilter });

/**
 * The filter as XML.
 *
 * @since 0.8.0
 */
export const nwfilterGetXmlDesc = query(
  'nwfilterGetXmlDesc',
  177,
  { nwfilter, flags },
  { xml: string },
);

/**
 * Defines a filter, or defines it anew, which reaches the NICs that use it at once.
 *
 * @since 0.8.0
 */
export const nwfilterDefineXml = command('nwfilterDefineXml', 180, { xml: string }, { nwfilter });

/**
 * Removes a filter; code 55 where a NIC or another filter uses it.
 *
 * @since 0.8.0
 */
export const nwfilterUndefine = command('nwfilterUndefine', 181, { nwfilter }, {});

/**
 * The binding of a NIC by its device of the host ("vnet3"); code 101 where it has none.
 *
 * @since 4.5.0
 */
export const nwfilterBindingLookupByPortDev = query(
  'nwfilterBindingLookupByPortDev',
  397,
  { name: string },
  { nwfilter: nwfilterBinding },
);

/**
 * The binding as XML: owner, device, MAC, filter and its parameters.
 *
 * @since 4.5.0
 */
export const nwfilterBindingGetXmlDesc = query(
  'nwfilterBindingGetXmlDesc',
  398,
  { nwfilter: nwfilterBinding, flags },
  { xml: string },
);

/**
 * Has a filter guard a device of the host; drivers do so for each NIC of their guests. Flags:
 * NwfilterBindingCreateFlag.
 *
 * @since 4.5.0
 */
export const nwfilterBindingCreateXml = command(
  'nwfilterBindingCreateXml',
  399,
  { xml: string, flags },
  { nwfilter: nwfilterBinding },
);

/**
 * Takes the rules of a binding away: the NIC is unguarded then.
 *
 * @since 4.5.0
 */
export const nwfilterBindingDelete = command(
  'nwfilterBindingDelete',
  400,
  { nwfilter: nwfilterBinding },
  {},
);

/**
 * All bindings; `ret` is how many.
 *
 * @since 4.5.0
 */
export const connectListAllNwfilterBindings = query(
  'connectListAllNwfilterBindings',
  401,
  { needResults: always(1), flags },
  { bindings: list(nwfilterBinding, OBJECTS_MAX), ret: u32 },
);

/**
 * `nwfilterDefineXml` with flags: NwfilterDefineFlag.
 *
 * @since 7.7.0
 */
export const nwfilterDefineXmlFlags = command(
  'nwfilterDefineXmlFlags',
  431,
  { xml: string, flags },
  { nwfilter },
);
