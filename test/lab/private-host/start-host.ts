/** Starts a host, to be killed while it does: `node start-host.ts DIR NAME [bound]`. Tells each step. */
import { startNamespaceHost } from '../../../src/lab/private-host/namespace-host.ts';

const [dir = '', name = '', bound] = process.argv.slice(2);
await startNamespaceHost({
  dir,
  name,
  hideKvm: true,
  endsWithCaller: bound === 'bound',
  progress: (step) => process.stdout.write(`${step}\n`),
});
if (bound === 'bound') {
  process.stdout.write('ready\n');
  setInterval(() => {}, 60_000);
}
