import { checkCount, invalid } from './machine-check.ts';
import { MACHINE_PCI_MAX } from './machine-description.ts';
import type { MachineDescription, PlacedPciFunction } from './machine-description.ts';

const PCI_ADDRESS = /^[\da-f]{4}:[\da-f]{2}:[01][\da-f]\.[0-7]$/;
const PCI_CLASS = /^0x[\da-f]{6}$/;
const PCI_NUMBER = /^0x[\da-f]{4}$/;

/**
 * The PCI functions of a machine, by address.
 * @throws BERTH_SPEC_INVALID
 */
export function checkedPci(
  { pci = [] }: MachineDescription,
  cells: number,
): readonly PlacedPciFunction[] {
  if (pci.length > MACHINE_PCI_MAX) {
    throw invalid('pci', `${pci.length} functions`, `at most ${MACHINE_PCI_MAX}`);
  }
  const addresses = pci.map((placed) => placed.address);
  for (const [index, placed] of pci.entries()) {
    const where = `pci[${index}]`;
    const check = (name: string, text: string, form: RegExp, expected: string): void => {
      if (!form.test(text)) throw invalid(`${where}.${name}`, `"${text}"`, expected);
    };
    check('address', placed.address, PCI_ADDRESS, 'an address such as 0000:3b:00.0');
    check('class', placed.class, PCI_CLASS, 'a class code such as 0x020000');
    check('vendor', placed.vendor, PCI_NUMBER, 'a vendor number such as 0x8086');
    check('device', placed.device, PCI_NUMBER, 'a device number such as 0x1592');
    if (placed.cell !== undefined) checkCount(`${where}.cell`, placed.cell, 0, cells - 1);
    if (addresses.indexOf(placed.address) !== index) {
      throw invalid(`${where}.address`, `${placed.address} is there twice`, 'another address');
    }
  }
  return pci.toSorted((a, b) => (a.address < b.address ? -1 : 1));
}
