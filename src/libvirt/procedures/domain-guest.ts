/** What domains tell of their networks, and what their guest agents tell. */
import { flags, i32, list, optional, string, struct, u32 } from '../xdr/codec.ts';
import { typedParams } from '../xdr/typed-param.ts';
import { query } from '../rpc/procedure.ts';
import { domain } from './objects.ts';

const INTERFACES_MAX = 2048;
const ADDRESSES_MAX = 2048;
const GUEST_INFO_PARAMS_MAX = 2048;

const address = struct({ type: i32, addr: string, prefix: u32 });

/** Addresses of a guest, from a DomainInterfaceAddressSource. */
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

/** What the guest agent knows of users, system, disks and so on. Libvirt 5.7. */
export const domainGetGuestInfo = query(
  'domainGetGuestInfo',
  418,
  { dom: domain, types: u32, flags },
  { params: typedParams(GUEST_INFO_PARAMS_MAX) },
);
