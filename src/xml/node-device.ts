import type { XmlElement } from './element.ts';
import { formatPciAddress, pciAddressOf } from './pci-address.ts';
import { frozen, integerAttribute, integerOf, refuseValue, textOf } from './value.ts';

/** What Berth reads of a node device's `<device>` (virNodeDeviceGetXMLDesc). */
export interface NodeDeviceXml {
  readonly name: string;
  readonly path: string | undefined;
  readonly parent: string | undefined;
  readonly driver: string | undefined;
  /** Undefined for devices of other buses. */
  readonly pci: PciDevice | undefined;
}

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
  /** The physical function, for a virtual one. */
  readonly physicalFunction: string | undefined;
  /** For a physical function that can have virtual ones: those it has, and how many it could have. */
  readonly virtualFunctions:
    { readonly addresses: readonly string[]; readonly max: number | undefined } | undefined;
}

/**
 * Reads a node device.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a number that is none.
 */
export function readNodeDevice(root: XmlElement): NodeDeviceXml {
  if (root.name !== 'device') refuseValue(root, `the root is <${root.name}>`, 'a <device>');
  const pci = capabilityOf(root, 'pci');
  return frozen({
    name: textOf(root.child('name')) ?? '',
    path: textOf(root.child('path')),
    parent: textOf(root.child('parent')),
    driver: textOf(root.find('driver/name')),
    pci: pci === undefined ? undefined : readPci(pci),
  });
}

function readPci(pci: XmlElement): PciDevice {
  const physical = capabilityOf(pci, 'phys_function');
  const virtual = capabilityOf(pci, 'virt_functions');
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
    iommuGroup: integerAttribute(pci.child('iommuGroup'), 'number'),
    physicalFunction: pciAddressOf(physical?.child('address')),
    virtualFunctions:
      virtual === undefined
        ? undefined
        : {
            addresses: virtual.childrenNamed('address').flatMap((at) => pciAddressOf(at) ?? []),
            max: integerAttribute(virtual, 'maxCount'),
          },
  };
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
