import { after } from 'node:test';
import { MACHINE_CATALOGUE } from '../../../src/model/machine-catalogue.ts';
import { cpuNumbers } from '../../../src/model/topology.ts';
import { machineTopology } from '../../../src/model/machine.ts';
import { labSkip } from '../lab-host.ts';
import { testMachine } from './catalogue-machine.ts';
import { dropShownHost } from './shown-host.ts';

const skip = await labSkip();
after(dropShownHost);

// Writing and removing their tens of thousands of files is what takes time.
for (const machine of MACHINE_CATALOGUE) {
  if (cpuNumbers(machineTopology(machine.description)) >= 200) testMachine(machine, { skip });
}
