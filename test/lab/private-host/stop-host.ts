/** Ends the host of a folder, for a process that may not wait: `node stop-host.ts DIR`. */
import { stopNamespaceHost } from '../../../src/lab/private-host/namespace-host.ts';

await stopNamespaceHost(process.argv[2] ?? '');
