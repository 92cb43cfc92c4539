import { after } from 'node:test';
import { MACHINE_CATALOGUE, type CatalogueMachine } from '../../../src/model/machine-catalogue.ts';
import { cpuNumbers } from '../../../src/model/topology.ts';
import { machineTopology } from '../../../src/model/machine.ts';
import { labSkip } from '../lab-host.ts';
import { testMachine, testShimmedMachine } from './catalogue-machine.ts';
import { shimSkip } from './shimmed-host.ts';
import { dropShownHost } from './shown-host.ts';

const skip = await labSkip();
after(dropShownHost);

const cpusOf = (machine: CatalogueMachine): number =>
  cpuNumbers(machineTopology(machine.description));

// Writing and removing their tens of thousands of files is what takes time.
const large = MACHINE_CATALOGUE.filter((machine) => cpusOf(machine) >= 200);
for (const machine of large) testMachine(machine, { skip });

const shimUnmet = await shimSkip();
for (const machine of large.filter((one) => cpusOf(one) > 256)) {
  testShimmedMachine(machine, { skip: shimUnmet });
}
