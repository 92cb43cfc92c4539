import { checkCount, invalid } from './machine-check.ts';
import { MACHINE_PCI_MAX } from './machine-description.ts';
import type { MachineDescription, PlacedPciFunction } from './machine-description.ts';
import { misformedField } from './pci-function.ts';

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
    const wrong = misformedField(placed);
    if (wrong !== undefined) {
      throw invalid(`${where}.${wrong.field}`, `"${wrong.text}"`, wrong.expected);
    }
    if (placed.cell !== undefined) checkCount(`${where}.cell`, placed.cell, 0, cells - 1);
    if (addresses.indexOf(placed.address) !== index) {
      throw invalid(`${where}.address`, `${placed.address} is there twice`, 'another address');
    }
  }
  return pci.toSorted((a, b) => (a.address < b.address ? -1 : 1));
}
