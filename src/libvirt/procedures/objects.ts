import { i32, string, struct, type Of } from '../xdr/codec.ts';
import { uuid } from '../xdr/uuid.ts';

/** Longest list of objects in one reply; node devices may be more. */
export const OBJECTS_MAX = 16_384;

/** Longest list of node devices in one reply. */
export const NODE_DEVICES_MAX = 65_536;

/** A domain. libvirt looks it up by UUID alone; id is -1 while it does not run. */
export const domain = struct({ name: string, uuid, id: i32 });
export type Domain = Of<typeof domain>;

/** A network, looked up by UUID alone. */
export const network = struct({ name: string, uuid });
export type Network = Of<typeof network>;

/** A port of a network, looked up by both UUIDs alone. */
export const networkPort = struct({ net: network, uuid });
export type NetworkPort = Of<typeof networkPort>;

/** A storage pool, looked up by UUID alone. */
export const storagePool = struct({ name: string, uuid });
export type StoragePool = Of<typeof storagePool>;

/** A volume: its pool's name, its own, and the key that is unique on the host (often its path). */
export const storageVol = struct({ pool: string, name: string, key: string });
export type StorageVol = Of<typeof storageVol>;

/** A device of the host, such as `pci_0000_00_1f_2`. */
export const nodeDevice = struct({ name: string });
export type NodeDevice = Of<typeof nodeDevice>;

/** A host interface. */
export const hostInterface = struct({ name: string, mac: string });
export type HostInterface = Of<typeof hostInterface>;

/** A network filter, looked up by UUID alone. */
export const nwfilter = struct({ name: string, uuid });
export type Nwfilter = Of<typeof nwfilter>;

/** What a network filter does to one guest NIC, known by its device of the host, such as `vnet3`. */
export const nwfilterBinding = struct({ portdev: string, filtername: string });
export type NwfilterBinding = Of<typeof nwfilterBinding>;

/** A secret: what it is for (`SecretUsageType`) and which object of that kind. */
export const secret = struct({ uuid, usageType: i32, usageId: string });
export type Secret = Of<typeof secret>;

/** A snapshot of a domain. */
export const domainSnapshot = struct({ name: string, dom: domain });
export type DomainSnapshot = Of<typeof domainSnapshot>;

/** A checkpoint of a domain. */
export const domainCheckpoint = struct({ name: string, dom: domain });
export type DomainCheckpoint = Of<typeof domainCheckpoint>;

/** The domain with that UUID, for calls: name and id need not be known. Replies may echo the empty name. */
export function domainOf(uuid: string): Domain {
  return { name: '', uuid, id: -1 };
}
