import type { XmlElement } from './element.ts';
import { readPciDevice, type PciDevice } from './node-device-pci.ts';
import { bytesOf, frozen, integerAttribute, integerOf, refuseValue, textOf } from './value.ts';

/** What Berth reads of a node device's `<device>` (virNodeDeviceGetXMLDesc). */
export interface NodeDeviceXml {
  readonly name: string;
  readonly path: string | undefined;
  readonly parent: string | undefined;
  readonly driver: string | undefined;
  /** What it is: pci, net, storage, mdev, usb_device, usb, scsi_host, scsi, system, drm ... */
  readonly capabilities: readonly string[];
  /** Files in /dev: the device itself, and links to it. */
  readonly nodes: readonly string[];
  /** Each is undefined for devices of other kinds. */
  readonly pci: PciDevice | undefined;
  readonly net: NetDevice | undefined;
  readonly storage: StorageDevice | undefined;
  readonly usb: UsbDevice | undefined;
  readonly scsiHost: ScsiHost | undefined;
  readonly mdev: MediatedDevice | undefined;
}

/** A network interface of the host. */
export interface NetDevice {
  readonly interface: string | undefined;
  readonly mac: string | undefined;
  /** up, down, unknown ... */
  readonly linkState: string | undefined;
  readonly speedMbps: number | undefined;
  /** Offloads that are on: rx, tx, tso ... */
  readonly features: readonly string[];
}

/** A disk of the host. */
export interface StorageDevice {
  readonly block: string | undefined;
  readonly bus: string | undefined;
  /** disk, cdrom, floppy ... */
  readonly driveType: string | undefined;
  readonly vendor: string | undefined;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly logicalBlockBytes: number | undefined;
  readonly removable: boolean;
}

/** A USB device by its place on the bus and its maker. */
export interface UsbDevice {
  readonly bus: number | undefined;
  readonly device: number | undefined;
  /** 16 bits, as in `0x046d`. */
  readonly vendor: string | undefined;
  readonly vendorName: string | undefined;
  readonly product: string | undefined;
  readonly productName: string | undefined;
}

/** A SCSI host adapter, with its names where it is one of Fibre Channel. */
export interface ScsiHost {
  readonly host: number | undefined;
  readonly uniqueId: number | undefined;
  readonly wwnn: string | undefined;
  readonly wwpn: string | undefined;
  readonly fabricWwn: string | undefined;
  /** How many virtual ports there can be, and are. */
  readonly vportsMax: number | undefined;
  readonly vports: number | undefined;
}

/** A mediated device: a share of a device, such as a virtual GPU. */
export interface MediatedDevice {
  readonly typeId: string | undefined;
  readonly uuid: string | undefined;
  readonly iommuGroup: number | undefined;
  readonly parentAddress: string | undefined;
  readonly attributes: readonly { readonly name: string; readonly value: string }[];
}

/**
 * Reads a node device.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a number that is none.
 */
export function readNodeDevice(root: XmlElement): NodeDeviceXml {
  if (root.name !== 'device') refuseValue(root, `the root is <${root.name}>`, 'a <device>');
  const all = root.childrenNamed('capability');
  const of = <T>(type: string, read: (capability: XmlElement) => T): T | undefined =>
    all.filter((capability) => capability.attribute('type') === type).map(read)[0];
  return frozen({
    name: textOf(root.child('name')) ?? '',
    path: textOf(root.child('path')),
    parent: textOf(root.child('parent')),
    driver: textOf(root.find('driver/name')),
    capabilities: all.flatMap((capability) => capability.attribute('type') ?? []),
    nodes: root.childrenNamed('devnode').flatMap((node) => textOf(node) ?? []),
    pci: of('pci', readPciDevice),
    net: of('net', readNet),
    storage: of('storage', readStorage),
    usb: of('usb_device', readUsb),
    scsiHost: of('scsi_host', readScsiHost),
    mdev: of('mdev', readMdev),
  });
}

function readNet(net: XmlElement): NetDevice {
  const link = net.child('link');
  return {
    interface: textOf(net.child('interface')),
    mac: textOf(net.child('address'))?.toLowerCase(),
    linkState: link?.attribute('state'),
    speedMbps: integerAttribute(link, 'speed'),
    features: net.childrenNamed('feature').flatMap((feature) => feature.attribute('name') ?? []),
  };
}

function readStorage(storage: XmlElement): StorageDevice {
  const removable = storage
    .childrenNamed('capability')
    .find((capability) => capability.attribute('type') === 'removable');
  return {
    block: textOf(storage.child('block')),
    bus: textOf(storage.child('bus')),
    driveType: textOf(storage.child('drive_type')),
    vendor: textOf(storage.child('vendor')),
    model: textOf(storage.child('model')),
    serial: textOf(storage.child('serial')),
    // Of a removable one the size is that of what is in it.
    sizeBytes: bytesOf(storage.child('size') ?? removable?.child('media_size'), 'bytes'),
    logicalBlockBytes: integerOf(
      storage.child('logical_block_size') ?? removable?.child('logical_block_size'),
    ),
    removable: removable !== undefined,
  };
}

function readUsb(usb: XmlElement): UsbDevice {
  const vendor = usb.child('vendor');
  const product = usb.child('product');
  return {
    bus: integerOf(usb.child('bus')),
    device: integerOf(usb.child('device')),
    vendor: vendor?.attribute('id'),
    vendorName: textOf(vendor),
    product: product?.attribute('id'),
    productName: textOf(product),
  };
}

function readScsiHost(host: XmlElement): ScsiHost {
  const of = (type: string): XmlElement | undefined =>
    host.childrenNamed('capability').find((one) => one.attribute('type') === type);
  const fibre = of('fc_host');
  const ports = of('vport_ops');
  return {
    host: integerOf(host.child('host')),
    uniqueId: integerOf(host.child('unique_id')),
    wwnn: textOf(fibre?.child('wwnn')),
    wwpn: textOf(fibre?.child('wwpn')),
    fabricWwn: textOf(fibre?.child('fabric_wwn')),
    vportsMax: integerOf(ports?.child('max_vports')),
    vports: integerOf(ports?.child('vports')),
  };
}

function readMdev(mdev: XmlElement): MediatedDevice {
  return {
    typeId: mdev.child('type')?.attribute('id'),
    uuid: textOf(mdev.child('uuid')),
    iommuGroup: integerAttribute(mdev.child('iommuGroup'), 'number'),
    parentAddress: textOf(mdev.child('parent_addr')),
    attributes: mdev.childrenNamed('attr').map((attr) => ({
      name: attr.attribute('name') ?? '',
      value: attr.attribute('value') ?? '',
    })),
  };
}
