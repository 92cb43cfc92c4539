/** Starts a host, to be killed while it does: `node start-host.ts DIR NAME`. Tells each step. */
import { startNamespaceHost } from '../../src/lab/namespace-host.ts';

const [dir = '', name = ''] = process.argv.slice(2);
await startNamespaceHost({
  dir,
  name,
  hideKvm: true,
  progress: (step) => process.stdout.write(`${step}\n`),
});
