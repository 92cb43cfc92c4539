/** Network filters. */
import { always, flags, list, string, u32 } from '../xdr/codec.ts';
import { query } from '../rpc/procedure.ts';
import { nwfilter, OBJECTS_MAX } from './objects.ts';

export const connectListAllNwfilters = query(
  'connectListAllNwfilters',
  286,
  { needResults: always(1), flags },
  { filters: list(nwfilter, OBJECTS_MAX), ret: u32 },
);

export const nwfilterLookupByName = query(
  'nwfilterLookupByName',
  175,
  { name: string },
  { nwfilter },
);

export const nwfilterGetXmlDesc = query(
  'nwfilterGetXmlDesc',
  177,
  { nwfilter, flags },
  { xml: string },
);
