import type { XmlElement } from './element.ts';
import { integerAttribute } from './value.ts';

/** The parts of a PCI address; a domain that is left out is 0. */
export interface PciAddressParts {
  readonly domain: number | undefined;
  readonly bus: number | undefined;
  readonly slot: number | undefined;
  readonly function: number | undefined;
}

/** A PCI address as the kernel writes it, `0000:3b:00.1`; undefined when a part is missing. */
export function formatPciAddress(parts: PciAddressParts): string | undefined {
  const { domain = 0, bus, slot, function: fn } = parts;
  if (bus === undefined || slot === undefined || fn === undefined) return undefined;
  return `${hex(domain, 4)}:${hex(bus, 2)}:${hex(slot, 2)}.${hex(fn, 1)}`;
}

/**
 * The PCI address in an `<address>` element; undefined when there is none or it is of another bus.
 * @throws BERTH_SPEC_INVALID when a part is no number.
 */
export function pciAddressOf(element: XmlElement | undefined): string | undefined {
  if ((element?.attribute('type') ?? 'pci') !== 'pci') return undefined;
  return formatPciAddress({
    domain: integerAttribute(element, 'domain'),
    bus: integerAttribute(element, 'bus'),
    slot: integerAttribute(element, 'slot'),
    function: integerAttribute(element, 'function'),
  });
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}
