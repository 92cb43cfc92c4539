import { i32, string, struct, type Codec, type Of } from '../xdr/codec.ts';
import { uuid } from '../xdr/uuid.ts';

/** Longest list of objects in one reply; node devices may be more. */
export const OBJECTS_MAX = 16_384;

/** Longest list of node devices in one reply. */
export const NODE_DEVICES_MAX = 65_536;

/** How an object is told by its UUID alone. */
const NAMELESS = "{ name: '', uuid }";

/** A domain, on the wire. */
export const domain = byUuid(struct({ name: string, uuid, id: i32 }), 'domainOf(uuid)');

/** A domain. libvirt looks it up by UUID alone; `id` is -1 while it does not run. */
export type Domain = Of<typeof domain>;

/** A network, on the wire. */
export const network = byUuid(struct({ name: string, uuid }), NAMELESS);

/** A network, looked up by UUID alone. */
export type Network = Of<typeof network>;

/** A port of a network, on the wire. */
export const networkPort = struct({ net: network, uuid });

/** A port of a network, looked up by both UUIDs alone. */
export type NetworkPort = Of<typeof networkPort>;

/** A storage pool, on the wire. */
export const storagePool = byUuid(struct({ name: string, uuid }), NAMELESS);

/** A storage pool, looked up by UUID alone. */
export type StoragePool = Of<typeof storagePool>;

/** A volume, on the wire. */
export const storageVol = struct({ pool: string, name: string, key: string });

/** A volume: its pool's name, its own, and the key that is unique on the host (often its path). */
export type StorageVol = Of<typeof storageVol>;

/** A device of the host, on the wire. */
export const nodeDevice = struct({ name: string });

/** A device of the host, such as `pci_0000_00_1f_2`. */
export type NodeDevice = Of<typeof nodeDevice>;

/** A host interface, on the wire. */
export const hostInterface = struct({ name: string, mac: string });

/** A network interface of the host, such as `eth0`, with its MAC address. */
export type HostInterface = Of<typeof hostInterface>;

/** A network filter, on the wire. */
export const nwfilter = byUuid(struct({ name: string, uuid }), NAMELESS);

/** A network filter, looked up by UUID alone. */
export type Nwfilter = Of<typeof nwfilter>;

/** What a network filter does to one NIC, on the wire. */
export const nwfilterBinding = struct({ portdev: string, filtername: string });

/** What a network filter does to one guest NIC, known by its device of the host, such as `vnet3`. */
export type NwfilterBinding = Of<typeof nwfilterBinding>;

/** A secret, on the wire. */
export const secret = struct({ uuid, usageType: i32, usageId: string });

/** A secret: what it is for (`SecretUsageType`) and which object of that kind. */
export type Secret = Of<typeof secret>;

/** A snapshot, on the wire. */
export const domainSnapshot = struct({ name: string, dom: domain });

/** A snapshot of a domain, looked up by its name there. */
export type DomainSnapshot = Of<typeof domainSnapshot>;

/** A checkpoint, on the wire. */
export const domainCheckpoint = struct({ name: string, dom: domain });

/** A checkpoint of a domain, looked up by its name there. */
export type DomainCheckpoint = Of<typeof domainCheckpoint>;

/** The domain with that UUID, for calls: name and id need not be known. Replies may echo the empty name. */
export function domainOf(uuid: string): Domain {
  return { name: '', uuid, id: -1 };
}

/** An object that libvirt looks up by UUID alone; `bare` is how one is made that has nothing else. */
function byUuid<T extends { readonly name: string }>(whole: Codec<T>, bare: string): Codec<T> {
  return {
    read: whole.read,
    write: (writer, value: Partial<T> | undefined) => {
      if (typeof value?.name === 'string') return whole.write(writer, value as T);
      const problem = value?.name === undefined ? 'it has no name' : 'its name is no string';
      throw writer.fault(problem, `an object as a reply has it, or ${bare}`);
    },
  };
}
