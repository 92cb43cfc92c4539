import { Fleet } from '../../../src/server/fleet/fleet.ts';
import { Placer } from '../../../src/server/fleet/placer.ts';
import { Store } from '../../../src/store/store.ts';
import { labHost } from '../../lab/lab-host.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import { quietPorts } from '../quiet-ports.ts';

/** A fleet over a store of its own, without a server around it; no host is registered yet. */
export interface BareFleet extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly placer: Placer;
  readonly store: Store;
  /** The real host that can be added. */
  readonly lab: LabHost;
}

export async function startBareFleet(): Promise<BareFleet> {
  const lab = await labHost();
  const store = await Store.open(':memory:');
  const ports = quietPorts();
  const fleet = new Fleet(store, { uid: 0 }, ports);
  await fleet.start();
  const placer = new Placer(fleet, store, ports.now);
  return {
    fleet,
    placer,
    store,
    lab,
    [Symbol.asyncDispose]: async () => {
      await fleet.stop();
      await store[Symbol.asyncDispose]();
    },
  };
}
