import * as fc from 'fast-check';
import { GIB, MIB } from '../../src/base/units.ts';
import { machineTopology } from '../../src/model/machine.ts';
import type { MachineDescription } from '../../src/model/machine-description.ts';
import { cpuNumbers } from '../../src/model/topology.ts';

/** Any small machine that can be described, whatever is special about it. */
export const anyMachine: fc.Arbitrary<MachineDescription> = fc
  .record({
    arch: fc.constantFrom('x86_64', 'aarch64'),
    sockets: fc.integer({ min: 1, max: 4 }),
    dies: fc.constantFrom(1, 2),
    cells: fc.nat(3),
    coresPerPart: fc.integer({ min: 1, max: 2 }),
    threads: fc.constantFrom(1, 2, 4),
    l3: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constant('none' as const)),
    memoryMiB: fc.integer({ min: 512, max: 4096 }),
    pages: fc.array(fc.record({ sizeKiB: fc.constant(2048), count: fc.nat(100) }), {
      maxLength: 1,
    }),
    distances: fc.record({
      near: fc.integer({ min: 10, max: 30 }),
      far: fc.integer({ min: 10, max: 40 }),
    }),
    memoryOnly: fc.array(fc.record({ memoryBytes: fc.constant(8 * GIB), at: fc.nat(20) }), {
      maxLength: 2,
    }),
    offline: fc.uniqueArray(fc.nat(400), { maxLength: 8 }),
    uneven: fc.array(fc.record({ cell: fc.nat(20), cores: fc.integer({ min: 1, max: 4 }) }), {
      maxLength: 2,
    }),
    siblings: fc.constantFrom('last', 'adjacent'),
    order: fc.constantFrom('blocks', 'round-robin'),
    gap: fc.nat(3),
    pciCells: fc.array(fc.option(fc.nat(20), { nil: undefined }), { maxLength: 4 }),
  })
  .map(({ coresPerPart, memoryMiB, gap, pciCells, ...rest }): MachineDescription => {
    const cells = rest.cells === 0 ? 1 : rest.sockets * rest.cells;
    const cores = coresPerPart * Math.max(1, rest.cells) * rest.dies;
    const machine: MachineDescription = {
      ...rest,
      cores,
      memoryBytes: memoryMiB * MIB,
      memoryOnly: rest.memoryOnly.map((cell) => ({ ...cell, at: cell.at % cells })),
      offline: [],
      uneven: [...new Map(rest.uneven.map((one) => [one.cell % cells, one]))].map(
        ([cell, { cores: own }]) => ({ cell, cores: own }),
      ),
      coreIds: Array.from({ length: 64 }, (_, core) => core * (gap + 1)),
      pci: pciCells.map((cell, index) => ({
        address: `0000:0${index}:00.0`,
        class: '0x020000',
        vendor: '0x8086',
        device: '0x1592',
        ...(cell === undefined ? {} : { cell: cell % cells }),
      })),
    };
    const numbers = cpuNumbers(machineTopology(machine));
    // CPU 0 stays on: something must.
    const offline = rest.offline.map((id) => id % numbers).filter((id) => id > 0);
    return { ...machine, offline };
  });
