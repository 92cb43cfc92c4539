import { join } from 'node:path';
import type { Environment } from '../host/host-link.ts';
import { Store } from '../store/store.ts';
import { Access } from './access/access.ts';
import { checkGates, Gates } from './access/gates.ts';
import type { GateOptions } from './access/gates.ts';
import { compose } from './compose.ts';
import { httpServer, listenOn } from './http/http-server.ts';
import { Metering } from './metrics/metering.ts';
import { ServerMetrics } from './metrics/server-metrics.ts';
import type { Ports } from './ports.ts';
import { readinessOf } from './services/readiness.ts';

/** What a server process is started with. */
export interface ServeOptions {
  /** `$BERTH_HOME`. */
  readonly home: string;
  /** The unix socket of the API. */
  readonly socket: string;
  readonly version: string;
  readonly pid: number;
  readonly environment: Environment;
  /** Where the store is: a file, or a `postgres://` URL; the embedded one below `home` when absent. */
  readonly store?: string;
  /** Ways in from the network; none when absent. */
  readonly gates?: GateOptions;
  /** A proxy on this machine says where requests come from (`X-Forwarded-For`, `-Proto`). */
  readonly isProxied?: boolean;
  /** Told the URLs of the ways in once they are open. */
  readonly onOpen?: (urls: readonly string[]) => void;
}

/**
 * Runs the server until the signal aborts, then ends in order: no new requests, no further steps,
 * connections close. The next server, or another on the same database, goes on with what the journal
 * knows. The store is opened first, and a file only one server can open: nothing of another's journal
 * is touched.
 * @throws BERTH_STORE, BERTH_DISK_FULL, BERTH_BUSY when a server runs there already, BERTH_TOO_LARGE
 */
export async function serve(
  options: ServeOptions,
  ports: Ports,
  signal: AbortSignal,
): Promise<void> {
  if (options.gates !== undefined) await checkGates(options.gates, ports.now());
  const counters = new ServerMetrics(options.version);
  const address = options.store ?? join(options.home, 'store.sqlite');
  await using store = await Store.open(address, (seconds, hasFailed) =>
    counters.asked(seconds, hasFailed),
  );
  const core = compose({ store, environment: options.environment }, ports);
  const { fleet, runner, services, isLeader } = core;
  const metering = new Metering({ fleet, store, runner, counters, isLeader, ports });
  const { version, pid } = options;
  const startedAt = ports.now();
  const access = new Access({ store, fleet, ports }, { isProxied: options.isProxied ?? false });
  const about = () => ({ version, pid, startedAt });
  const readiness = async () => readinessOf({ fleet, store });
  const app = await httpServer({ services, access, metering, about, readiness, ports });
  let gates: Gates | undefined;
  try {
    await core.start();
    metering.start();
    await listenOn(app, options.socket);
    if (options.gates !== undefined) {
      gates = await Gates.open(app, access.ways, options.gates, ports);
      options.onOpen?.(gates.urls);
    }
    ports.log.info({ pid, version }, 'the server listens');
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  } finally {
    // Together: a request may be waiting for the next step of an operation, or for an event.
    await Promise.all([gates?.[Symbol.asyncDispose](), app.close(), core.endWork()]);
    await metering.stop(); // before it lets go of being the leader, who keeps the history
    await core.leave();
    ports.log.info({ pid }, 'the server has ended');
  }
}
