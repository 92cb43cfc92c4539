/** `node session-host-as-user.ts start|start-hidden|find|stop DIR`, run as an ordinary user; JSON out. */
import {
  findSessionHost,
  startSessionHost,
  stopSessionHost,
} from '../../../src/lab/private-host/session-host.ts';

const [what = '', dir = ''] = process.argv.slice(2);
if (what === 'stop') {
  await stopSessionHost(dir);
  process.stdout.write('{}\n');
} else if (what === 'find') {
  process.stdout.write(`${JSON.stringify(await findSessionHost(dir))}\n`);
} else {
  const hideKvm = what === 'start-hidden';
  const host = await startSessionHost({ dir, name: 'user', hideKvm });
  process.stdout.write(`${JSON.stringify(host)}\n`);
}
