import { quietPorts } from '../quiet-ports.ts';
import { Leadership } from '../../../src/server/cluster/leadership.ts';
import { Membership } from '../../../src/server/cluster/membership.ts';
import type { OperationPlan } from '../../../src/server/operations/operation-kind.ts';
import { OperationRunner } from '../../../src/server/operations/operation-runner.ts';
import type { Ports } from '../../../src/server/ports.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import { Store } from '../../../src/store/store.ts';

/** What operations of these tests remember: the servers that have done each step. */
export interface Memory {
  readonly by: readonly string[];
}

/** One server of several on a store, as `serve` puts it together, without hosts. */
export interface Member extends AsyncDisposable {
  readonly name: string;
  readonly store: Store;
  readonly runner: OperationRunner;
  readonly leadership: Leadership;
  /** Stops its clock: it beats no more and waits for ever, as a process that is stopped. */
  freeze(): void;
  thaw(): void;
}

/** @param planOf how this member carries operations out */
export async function join(
  address: string,
  name: string,
  planOf: (member: string) => OperationPlan<Memory>,
): Promise<Member> {
  const store = await Store.open(address);
  let thawed = Promise.withResolvers<void>();
  thawed.resolve();
  const real = quietPorts();
  const ports: Ports = {
    ...real,
    sleep: async (ms, signal) => {
      await real.sleep(ms, signal);
      await thawed.promise;
    },
  };
  const runner = new OperationRunner(store.operations, ports, name);
  const leadership = new Leadership(store.leases, name, ports);
  const goOn = ({ taken }: { readonly taken: readonly OperationRecord[] }): void => {
    for (const record of taken) runner.resume(planOf(name), record);
  };
  const membership = new Membership(store, name, leadership, ports, {
    takeOver: async () => goOn(await runner.takeOver()),
    letGo: (why) => runner.letGo(why),
    takeUp: async () => {
      const found = await runner.takeUp();
      goOn(found);
      return found.isAll;
    },
    heed: async () => runner.heedCancels(),
  });
  await membership.join();
  return {
    name,
    store,
    runner,
    leadership,
    freeze: () => {
      thawed = Promise.withResolvers();
    },
    thaw: () => thawed.resolve(),
    [Symbol.asyncDispose]: async () => {
      thawed.resolve();
      await runner.stop();
      await membership.leave();
      await store[Symbol.asyncDispose]();
    },
  };
}
