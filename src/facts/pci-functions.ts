import { isPciAddress } from '../model/pci-function.ts';
import type { PciFunction } from '../model/topology.ts';
import { parseXml, readNodeDevice } from '../xml/index.ts';
import type { FactTree } from './fact-files.ts';

/** A PCI function with its cell; undefined where the firmware does not tell it. */
export interface PlacedFunction {
  readonly cell: number | undefined;
  readonly pci: PciFunction;
}

const DEVICES = 'sys/bus/pci/devices';
/** The code of a device that says nothing of its class; libvirt before 5.2 tells none. */
const CLASS_UNKNOWN = '0x000000';

/**
 * PCI functions from node device XML and from sysfs, by address. Where both tell of one, sysfs
 * fills in what libvirt leaves out.
 * @throws BERTH_XML_INVALID or BERTH_SPEC_INVALID for a device that cannot be read.
 */
export function readPciFunctions(
  tree: FactTree,
  nodeDevices: readonly string[],
): readonly PlacedFunction[] {
  const fromSysfs = sysfsFunctions(tree);
  const found = new Map(fromSysfs.map((placed) => [placed.pci.address, placed]));
  for (const xml of nodeDevices) {
    const { pci } = readNodeDevice(parseXml(xml, 'a node device').root);
    if (pci === undefined) continue;
    const other = found.get(pci.address);
    found.set(pci.address, {
      cell: pci.cell ?? other?.cell,
      pci: {
        address: pci.address,
        class: pci.class ?? other?.pci.class ?? CLASS_UNKNOWN,
        vendor: pci.vendor ?? other?.pci.vendor ?? '0x0000',
        device: pci.product ?? other?.pci.device ?? '0x0000',
      },
    });
  }
  return [...found.values()].toSorted((a, b) => (a.pci.address < b.pci.address ? -1 : 1));
}

function sysfsFunctions(tree: FactTree): readonly PlacedFunction[] {
  return tree
    .names(DEVICES)
    .filter(isPciAddress)
    .map((address) => {
      const text = (name: string): string | undefined => tree.text(`${DEVICES}/${address}/${name}`);
      const cell = tree.integer(`${DEVICES}/${address}/numa_node`);
      return {
        cell: cell === undefined || cell < 0 ? undefined : cell,
        pci: {
          address,
          class: text('class') ?? CLASS_UNKNOWN,
          vendor: text('vendor') ?? '0x0000',
          device: text('device') ?? '0x0000',
        },
      };
    });
}
