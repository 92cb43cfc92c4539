import type { XmlElement } from './element.ts';
import { formatPciAddress, pciAddressOf } from './pci-address.ts';
import { integerAttribute, integerOf, refuseValue, textOf } from './value.ts';

/** A PCI function as libvirt tells of it. */
export interface PciDevice {
  /** domain:bus:slot.function, as lspci prints it. */
  readonly address: string;
  /** 24 bits, such as 0x020000; from libvirt 5.2 on. */
  readonly class: string | undefined;
  readonly vendor: string | undefined;
  readonly vendorName: string | undefined;
  readonly product: string | undefined;
  readonly productName: string | undefined;
  /** The NUMA cell; undefined where the firmware does not tell. */
  readonly cell: number | undefined;
  readonly iommuGroup: number | undefined;
  /** All functions of that group: they can only be given to a guest together. */
  readonly iommuGroupMembers: readonly string[];
  /** The physical function, for a virtual one. */
  readonly physicalFunction: string | undefined;
  /** For a physical function that can have virtual ones: those it has, and how many it could have. */
  readonly virtualFunctions:
    { readonly addresses: readonly string[]; readonly max: number | undefined } | undefined;
  /** The kinds of mediated device that it can be shared as. */
  readonly mediatedTypes: readonly MediatedType[];
  /** What the slot could do and does: GT/s and lanes; undefined where it is not PCI Express. */
  readonly link: { readonly could: PciLink; readonly does: PciLink } | undefined;
}

/** A kind of mediated device. */
export interface MediatedType {
  readonly id: string;
  readonly name: string | undefined;
  /** vfio-pci, vfio-ccw or vfio-ap. */
  readonly deviceApi: string | undefined;
  /** How many more of it there can be now. */
  readonly available: number | undefined;
}

/** A link of PCI Express. */
export interface PciLink {
  /** In GT/s. */
  readonly speed: number | undefined;
  /** In lanes. */
  readonly width: number | undefined;
}

/**
 * Reads the `<capability type='pci'>` of a node device.
 * @throws BERTH_SPEC_INVALID with line and column for a number that is none, or no address.
 */
export function readPciDevice(pci: XmlElement): PciDevice {
  const group = pci.child('iommuGroup');
  const address =
    addressIn(pci) ?? refuseValue(pci, 'the PCI device has no address', 'bus, slot and function');
  return {
    address,
    class: textOf(pci.child('class')),
    vendor: pci.child('vendor')?.attribute('id'),
    vendorName: textOf(pci.child('vendor')),
    product: pci.child('product')?.attribute('id'),
    productName: textOf(pci.child('product')),
    cell: integerAttribute(pci.child('numa'), 'node'),
    iommuGroup: integerAttribute(group, 'number'),
    iommuGroupMembers: addressesIn(group),
    physicalFunction: pciAddressOf(capabilityOf(pci, 'phys_function')?.child('address')),
    virtualFunctions: readVirtualFunctions(capabilityOf(pci, 'virt_functions')),
    mediatedTypes: (capabilityOf(pci, 'mdev_types')?.childrenNamed('type') ?? []).map(readType),
    link: readLinks(pci.child('pci-express')),
  };
}

function readVirtualFunctions(virtual: XmlElement | undefined): PciDevice['virtualFunctions'] {
  if (virtual === undefined) return undefined;
  return { addresses: addressesIn(virtual), max: integerAttribute(virtual, 'maxCount') };
}

function readType(type: XmlElement): MediatedType {
  return {
    id: type.attribute('id') ?? '',
    name: textOf(type.child('name')),
    deviceApi: textOf(type.child('deviceAPI')),
    available: integerOf(type.child('availableInstances')),
  };
}

/** `cap` and `sta` are the capability and the status registers of the link. */
function readLinks(express: XmlElement | undefined): PciDevice['link'] {
  const links = express?.childrenNamed('link') ?? [];
  if (links.length === 0) return undefined;
  const link = (validity: string): PciLink => {
    const found = links.find((one) => one.attribute('validity') === validity);
    const speed = Number.parseFloat(found?.attribute('speed') ?? '');
    return {
      speed: Number.isNaN(speed) ? undefined : speed,
      width: integerAttribute(found, 'width'),
    };
  };
  return { could: link('cap'), does: link('sta') };
}

function addressesIn(element: XmlElement | undefined): readonly string[] {
  return (element?.childrenNamed('address') ?? []).flatMap((at) => pciAddressOf(at) ?? []);
}

function addressIn(pci: XmlElement): string | undefined {
  const part = (name: string): number | undefined => integerOf(pci.child(name));
  return formatPciAddress({
    domain: part('domain'),
    bus: part('bus'),
    slot: part('slot'),
    function: part('function'),
  });
}

function capabilityOf(element: XmlElement, type: string): XmlElement | undefined {
  return element
    .childrenNamed('capability')
    .find((capability) => capability.attribute('type') === type);
}
