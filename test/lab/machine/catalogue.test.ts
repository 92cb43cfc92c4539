import { after, test } from 'node:test';
import { MACHINE_CATALOGUE } from '../../../src/model/machine-catalogue.ts';
import { cpuNumbers } from '../../../src/model/topology.ts';
import { machineTopology } from '../../../src/model/machine.ts';
import { labSkip } from '../lab-host.ts';
import { describedMachine } from '../../../src/lab/machine/shown-machine.ts';
import { GIB } from '../../../src/base/units.ts';
import { testMachine } from './catalogue-machine.ts';
import { assertSeen, dropShownHost, seeMachine } from './shown-host.ts';

const skip = await labSkip();
after(dropShownHost);

for (const machine of MACHINE_CATALOGUE) {
  if (cpuNumbers(machineTopology(machine.description)) < 200) testMachine(machine, { skip });
}

test(
  'page pools, PCI functions and offline CPUs are seen where they are described',
  { skip },
  async () => {
    const nic = { class: '0x020000', vendor: '0x8086', device: '0x1592' };
    const machine = describedMachine(
      { name: 'all-kinds' },
      {
        sockets: 2,
        dies: 2,
        cores: 4,
        threads: 2,
        memoryBytes: 8 * GIB,
        pages: [{ sizeKiB: 2048, count: 512 }],
        memoryOnly: [{ memoryBytes: 16 * GIB, pages: [{ sizeKiB: 1_048_576, count: 3 }] }],
        uneven: [{ cell: 1, cores: 2, memoryBytes: 4 * GIB, pages: [] }],
        offline: [3, 9],
        pci: [
          { ...nic, address: '0000:3b:00.0', cell: 1 },
          { ...nic, address: '0000:00:1f.0' },
        ],
      },
    );
    assertSeen(machine, await seeMachine(machine));
  },
);
