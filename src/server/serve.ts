import { join } from 'node:path';
import type { Environment } from '../host/host-link.ts';
import { Store } from '../store/store.ts';
import { Fleet } from './fleet/fleet.ts';
import { httpServer, listenOn } from './http/http-server.ts';
import { OperationRunner } from './operations/operation-runner.ts';
import type { Ports } from './ports.ts';
import { makeServices } from './services/services.ts';
import { Placer } from './fleet/placer.ts';

/** What a server process is started with. */
export interface ServeOptions {
  /** `$BERTH_HOME`. */
  readonly home: string;
  /** The unix socket of the API. */
  readonly socket: string;
  readonly version: string;
  readonly pid: number;
  readonly environment: Environment;
}

/**
 * Runs the server until the signal aborts, then ends in order: no new requests, no further steps,
 * connections close. The next server goes on with what the journal knows.
 * The store is opened first, which only one server can: nothing of another's journal is touched.
 * @throws BERTH_STORE, BERTH_DISK_FULL, BERTH_BUSY when a server runs there already, BERTH_TOO_LARGE
 */
export async function serve(
  options: ServeOptions,
  ports: Ports,
  signal: AbortSignal,
): Promise<void> {
  await using store = await Store.open(join(options.home, 'store.sqlite'));
  const runner = new OperationRunner(store.operations, ports);
  const fleet = new Fleet(store, options.environment, ports);
  const placer = new Placer(fleet, store, ports.now);
  const services = makeServices({ fleet, store, placer, runner, ports });
  const { version, pid } = options;
  const startedAt = ports.now();
  const app = await httpServer(services, () => ({ version, pid, startedAt }), ports.log);
  try {
    await fleet.start();
    await services.operations.resume();
    await listenOn(app, options.socket);
    ports.log.info({ pid, version }, 'the server listens');
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    // Together: a request may be waiting for the next step of an operation.
    await Promise.all([app.close(), runner.stop()]);
    await fleet.stop();
    ports.log.info({ pid }, 'the server has ended');
  }
}
