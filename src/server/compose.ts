import type { Environment } from '../host/host-link.ts';
import type { Store } from '../store/store.ts';
import { Housekeeping } from './cluster/housekeeping.ts';
import { Leadership } from './cluster/leadership.ts';
import { Membership } from './cluster/membership.ts';
import { Fleet } from './fleet/fleet.ts';
import { Placer } from './fleet/placer.ts';
import { registryWatch } from './fleet/registry-watch.ts';
import { OperationRunner } from './operations/operation-runner.ts';
import type { Ports } from './ports.ts';
import { makeServices } from './services/services.ts';
import type { Services } from './services/services.ts';

/** What a server stands on. */
export interface Ground {
  readonly store: Store;
  readonly environment: Environment;
}

/** A server process but for its ways in and what it measures. */
export interface Composition {
  readonly fleet: Fleet;
  readonly runner: OperationRunner;
  /** Everything that it can be asked. */
  readonly services: Services;
  /** Whether it does what one server does for all. */
  readonly isLeader: () => boolean;
  /** Connects to hosts, joins the other servers, and goes on with what was left. @throws as the store does */
  start(): Promise<void>;
  /** First of the end: no further step begins, and nobody is told of anything any more. */
  endWork(): Promise<void>;
  /** Last of the end: leaves the other servers and the hosts. */
  leave(): Promise<void>;
}

/** Puts the parts of a server together; nothing happens before `start`. */
export function compose({ store, environment }: Ground, ports: Ports): Composition {
  const server = ports.uuid();
  const runner = new OperationRunner(store.operations, ports, server);
  const fleet = new Fleet(store, environment, ports);
  const placer = new Placer(fleet, store, ports.now);
  const services = makeServices({ fleet, store, placer, runner, ports });
  const leadership = new Leadership(store.leases, server, ports);
  const housekeeping = new Housekeeping(store, leadership, ports);
  const membership = new Membership(store, server, leadership, ports, {
    takeOver: async () => services.operations.resume(),
    letGo: (why) => runner.letGo(why),
    takeUp: async () => services.operations.takeUp(),
    heed: async () => runner.heedCancels(),
  });
  const registry = registryWatch(fleet, ports);
  return {
    fleet,
    runner,
    services,
    isLeader: () => leadership.isLeader,
    start: async () => {
      services.events.start();
      await fleet.start();
      if (store.isShared) registry.start();
      await membership.join();
    },
    endWork: async () => {
      await Promise.all([services.events.stop(), runner.stop()]);
    },
    leave: async () => {
      await Promise.all([membership.leave(), housekeeping.stop(), registry.stop()]);
      await fleet.stop();
    },
  };
}
