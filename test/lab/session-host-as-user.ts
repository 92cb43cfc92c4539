/** `node session-host-as-user.ts start|start-hidden|stop DIR`, run as an ordinary user; JSON out. */
import { startSessionHost, stopSessionHost } from '../../src/lab/session-host.ts';

const [what = '', dir = ''] = process.argv.slice(2);
if (what === 'stop') {
  await stopSessionHost(dir);
  process.stdout.write('{}\n');
} else {
  const hideKvm = what === 'start-hidden';
  const host = await startSessionHost({ dir, name: 'user', hideKvm });
  process.stdout.write(`${JSON.stringify(host)}\n`);
}
