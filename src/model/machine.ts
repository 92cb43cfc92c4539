import { cellPlans, checkedCounts, pagePools, pooledBytes } from './machine-cells.ts';
import { machineCpus, socketOf } from './machine-cpus.ts';
import type { MachineDescription, PlacedPciFunction } from './machine-description.ts';
import { distanceMatrix } from './machine-distances.ts';
import { checkedPci } from './machine-pci.ts';
import type { Cell, HostTopology, PciFunction } from './topology.ts';

export type { MachineDescription } from './machine-description.ts';

/**
 * The machine that a description means, all of its memory but the pools free.
 * @throws BERTH_SPEC_INVALID naming the field and what is expected of it.
 */
export function machineTopology(description: MachineDescription): HostTopology {
  const counts = checkedCounts(description);
  const plans = cellPlans(description, counts);
  const cpus = machineCpus(description, counts, plans);
  const sockets = plans.slice(0, counts.cells).map((_, cell) => socketOf(description, cell));
  const distances = distanceMatrix(description, sockets);
  const pci = checkedPci(description, plans.length);
  return {
    arch: description.arch ?? 'x86_64',
    cells: plans.map((plan, id): Cell => {
      const freeBytes = plan.memoryBytes - pooledBytes(plan);
      return {
        id,
        memoryBytes: plan.memoryBytes,
        freeBytes,
        pages: pagePools(description, plan, freeBytes),
        distances: distances[id] ?? [],
        cpus: cpus.cells[id] ?? [],
        pci: pci.filter((placed) => placed.cell === id).map(pciFunction),
      };
    }),
    offlineCpus: cpus.offline,
    pciAnywhere: pci.filter((placed) => placed.cell === undefined).map(pciFunction),
  };
}

function pciFunction({ address, class: kind, vendor, device }: PlacedPciFunction): PciFunction {
  return { address, class: kind, vendor, device };
}
