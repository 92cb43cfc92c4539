import { readBasics, type DeviceBasics } from './device-address.ts';
import type { XmlElement } from './element.ts';
import { pciAddressOf } from './pci-address.ts';
import { flagAttribute, integerAttribute } from './value.ts';

/** A `<hostdev>`: a device of the host given to the guest. */
export interface DomainHostdev extends DeviceBasics {
  /** subsystem or capabilities. */
  readonly mode: string | undefined;
  /** pci, usb, scsi, scsi_host, mdev ... */
  readonly type: string | undefined;
  /** True when libvirt detaches it from its host driver by itself. */
  readonly managed: boolean;
  /** vfio, or a later word, where it is told. */
  readonly driver: string | undefined;
  /** Its address on the host: `0000:3b:00.0`. */
  readonly pci: string | undefined;
  readonly mdevUuid: string | undefined;
  /** vfio-pci, vfio-ccw or vfio-ap; of type mdev. */
  readonly model: string | undefined;
  readonly usb: HostdevUsb | undefined;
  readonly scsi: HostdevScsi | undefined;
  /** The image of its ROM; undefined for its own. */
  readonly romFile: string | undefined;
  /** False hides its ROM from the guest. */
  readonly romBar: boolean | undefined;
  readonly bootOrder: number | undefined;
}

/** A USB device by what it is, or by where it is plugged in. */
export interface HostdevUsb {
  /** 16 bits. */
  readonly vendor: number | undefined;
  readonly product: number | undefined;
  readonly bus: number | undefined;
  readonly device: number | undefined;
}

/** A SCSI device of the host: `scsi_host2`, and the bus, target and unit behind it. */
export interface HostdevScsi {
  readonly adapter: string | undefined;
  readonly bus: number | undefined;
  readonly target: number | undefined;
  readonly unit: number | undefined;
}

/**
 * Reads a `<hostdev>`.
 * @throws BERTH_SPEC_INVALID with line and column for a number that is none.
 */
export function readHostdev(hostdev: XmlElement): DomainHostdev {
  const type = hostdev.attribute('type');
  const source = hostdev.child('source');
  const address = source?.child('address');
  const rom = hostdev.child('rom');
  return {
    mode: hostdev.attribute('mode'),
    type,
    managed: flagAttribute(hostdev, 'managed') ?? false,
    driver: hostdev.child('driver')?.attribute('name'),
    pci: type === 'pci' ? pciAddressOf(address) : undefined,
    mdevUuid: address?.attribute('uuid'),
    model: hostdev.attribute('model'),
    usb: type === 'usb' ? readUsb(source) : undefined,
    scsi: type === 'scsi' ? readScsi(source) : undefined,
    romFile: rom?.attribute('file'),
    romBar: flagAttribute(rom, 'bar'),
    bootOrder: integerAttribute(hostdev.child('boot'), 'order'),
    ...readBasics(hostdev),
  };
}

function readUsb(source: XmlElement | undefined): HostdevUsb {
  const address = source?.child('address');
  return {
    vendor: integerAttribute(source?.child('vendor'), 'id'),
    product: integerAttribute(source?.child('product'), 'id'),
    bus: integerAttribute(address, 'bus'),
    device: integerAttribute(address, 'device'),
  };
}

function readScsi(source: XmlElement | undefined): HostdevScsi {
  const address = source?.child('address');
  return {
    adapter: source?.child('adapter')?.attribute('name'),
    bus: integerAttribute(address, 'bus'),
    target: integerAttribute(address, 'target'),
    unit: integerAttribute(address, 'unit'),
  };
}
