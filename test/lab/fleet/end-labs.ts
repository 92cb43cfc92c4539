/** Ends all labs of a home: `node end-labs.ts HOME`, perhaps to be killed while it does. */
import { downLab } from '../../../src/lab/fleet/lab.ts';
import { labNames } from '../../../src/lab/fleet/lab-folder.ts';

const [home = ''] = process.argv.slice(2);
process.stdout.write('begun\n');
for (const name of await labNames(home)) await downLab(home, name);
