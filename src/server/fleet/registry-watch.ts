import type { Ports } from '../ports.ts';
import { Repeating } from '../repeating.ts';
import type { Fleet } from './fleet.ts';

const LOOK_MS = 1000;

/**
 * Looks every second what other servers on a shared store have changed of the registry of hosts. It
 * goes its own way beside the membership: a host that takes long to let go of must not let this
 * server be taken for dead.
 */
export function registryWatch(fleet: Fleet, ports: Ports): Repeating {
  const failing = 'cannot read the registry of hosts';
  return new Repeating(
    { everyMs: LOOK_MS, work: async () => fleet.heedRegistry(), failing },
    ports,
  );
}
