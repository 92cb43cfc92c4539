import type { XmlElement } from './element.ts';
import { pciAddressOf } from './pci-address.ts';
import { integerAttribute } from './value.ts';

/** Where a device sits in its guest; which fields there are depends on the type. */
export interface DeviceAddress {
  /** pci, drive, usb, virtio-serial, dimm, ccid, isa, spapr-vio ... */
  readonly type: string | undefined;
  /** `0000:00:1f.2`, for type pci. */
  readonly pci: string | undefined;
  /** The index of the controller, for types drive and virtio-serial. */
  readonly controller: number | undefined;
  /** The bus of that controller, for types drive, usb and virtio-serial. */
  readonly bus: number | undefined;
  readonly target: number | undefined;
  readonly unit: number | undefined;
  /** A port, or a path of ports such as `1.2`, for types usb and virtio-serial. */
  readonly port: string | undefined;
  /** The slot of a memory device, for type dimm. */
  readonly slot: number | undefined;
}

/** What every device may have besides its own. */
export interface DeviceBasics {
  /** libvirt's name for it; of a running domain, or `ua-` with the user's own. */
  readonly alias: string | undefined;
  readonly address: DeviceAddress | undefined;
}

/**
 * Reads `<alias>` and `<address>` of a device.
 * @throws BERTH_SPEC_INVALID when a part of the address is no number.
 */
export function readBasics(device: XmlElement): DeviceBasics {
  const address = device.child('address');
  return {
    alias: device.child('alias')?.attribute('name'),
    address: address === undefined ? undefined : readAddress(address),
  };
}

function readAddress(address: XmlElement): DeviceAddress {
  const type = address.attribute('type');
  const isPci = type === 'pci';
  const part = (name: string): number | undefined =>
    isPci ? undefined : integerAttribute(address, name);
  return {
    type,
    pci: isPci ? pciAddressOf(address) : undefined,
    controller: part('controller'),
    bus: part('bus'),
    target: part('target'),
    unit: part('unit'),
    port: address.attribute('port'),
    slot: part('slot'),
  };
}
