/** Brings a lab up, to be killed while it does: `node start-lab.ts HOME HOSTS`. Says when it begins. */
import { upLab } from '../../../src/lab/fleet/lab.ts';

const [home = '', hosts = '1'] = process.argv.slice(2);
process.stdout.write('begun\n');
await upLab({
  home,
  name: 'lab',
  hosts: Array.from({ length: Number(hosts) }, () => ({ kind: 'namespace' })),
  cache: home,
  signal: AbortSignal.timeout(60_000),
});
