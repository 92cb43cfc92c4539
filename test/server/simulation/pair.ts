import { assert, present } from '../../../src/base/assert.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { ErrorCode } from '../../../src/libvirt/index.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import { Store } from '../../../src/store/store.ts';
import { Chance } from './chance.ts';
import { NO_FAULTS } from './fault-rates.ts';
import { Refusal } from './refusal-of-libvirt.ts';
import { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedHost } from './simulated-host.ts';
import { SimulatedServer } from './simulated-server.ts';
import { World } from './world.ts';

/** Far more moments than anything in a small world takes. */
const MOMENTS_MAX = 500_000;
/** How often it is looked how an operation stands. */
const LOOK_MS = 20;
/** Long enough that both servers have heard of everything. */
const NEWS_MS = 5000;

/**
 * Two servers on one store, in a world in which nothing goes wrong by itself: a test says what is
 * late, and in which order things happen.
 */
export class Pair {
  readonly world: World;
  readonly a: SimulatedServer;
  readonly b: SimulatedServer;
  readonly #rates: { newsHeldUp: number };

  private constructor(world: World, rates: { newsHeldUp: number }) {
    this.world = world;
    this.#rates = rates;
    this.a = new SimulatedServer(world, 'A');
    this.b = new SimulatedServer(world, 'B');
    world.servers.push(this.a, this.b);
  }

  /** @param hosts how many there are at least. */
  static async start(hosts = 1): Promise<Pair> {
    const pair = await Pair.begin(hosts);
    for (const { name, uri } of pair.world.hosts) {
      await pair.until(pair.a.services.hosts.addHost({ name, uri }));
    }
    await pair.until(pair.b.start());
    return pair;
  }

  /** As `start`, but no host is registered yet, and B has not begun. */
  static async begin(hosts = 1): Promise<Pair> {
    const clock = new SimulatedClock();
    const store = await Store.inMemory(clock.steady);
    const rates = { ...NO_FAULTS.rates, newsHeldUp: 0 };
    const faults = { ...NO_FAULTS, rates };
    for (let seed = 1; ; seed++) {
      const world = new World({ chance: new Chance(seed), clock, store, faults });
      if (world.hosts.length < hosts) continue;
      const pair = new Pair(world, rates);
      await pair.until(pair.a.start());
      return pair;
    }
  }

  get host(): SimulatedHost {
    return present(this.world.hosts[0], 'the first host');
  }

  /** Half of the first host's pCPUs. */
  get most(): number {
    const cores = this.host.machine.topology.cells.flatMap(({ cpus }) => cpus).length;
    return Math.floor(cores / 2);
  }

  /** From now on news of hosts come late, so that a server sees only what it reads by itself. */
  holdNewsUp(): void {
    this.#rates.newsHeldUp = 1;
  }

  /** Lets everybody hear of everything. */
  async settle(): Promise<void> {
    await this.pass(NEWS_MS);
  }

  async pass(ms: number): Promise<void> {
    await this.until(this.world.clock.sleep(ms));
  }

  /** Lets time pass until that has come about. */
  async until<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => void (isOver = true);
    work.then(over, over);
    const { clock } = this.world;
    for (let moment = 0; moment < MOMENTS_MAX; moment++) {
      await clock.drain();
      if (isOver) return work;
      assert(clock.step(), 'something is under way');
    }
    throw new Error('it does not come about');
  }

  /** The operation when it has ended. */
  async end(server: SimulatedServer, began: Promise<OperationRecord>): Promise<OperationRecord> {
    const { id } = await this.until(began);
    return this.ended(server, id);
  }

  async ended(server: SimulatedServer, id: string): Promise<OperationRecord> {
    return this.reached(server, id, ({ state }) => state !== 'running' && state !== 'undoing');
  }

  /** The operation when it has come so far. */
  async reached(
    server: SimulatedServer,
    id: string,
    is: (record: OperationRecord) => boolean,
  ): Promise<OperationRecord> {
    const { operations } = server.services;
    const look = async (): Promise<OperationRecord> => {
      for (;;) {
        const { record } = await operations.operation(id);
        if (is(record)) return record;
        await this.world.clock.sleep(LOOK_MS);
      }
    };
    return this.until(look());
  }

  /**
   * Lets an operation be worked out, and begin only when what is returned is called.
   * @param ask asks a server for an operation of that kind, the only one of it meanwhile.
   */
  async late(
    kind: string,
    ask: () => Promise<OperationRecord>,
  ): Promise<() => Promise<OperationRecord>> {
    const { operations } = this.world.store;
    const begin = operations.begin.bind(operations);
    const reached = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    operations.begin = async (record) => {
      if (record.kind === kind) {
        operations.begin = begin;
        reached.resolve();
        await released.promise;
      }
      return begin(record);
    };
    const asked = ask();
    await this.until(reached.promise);
    return async () => {
      released.resolve();
      return asked;
    };
  }

  /** The host refuses that, until what is returned is called. */
  refuse(procedure: string): () => void {
    const { host } = this;
    const receive = host.receive.bind(host);
    const refusal = new Refusal(ErrorCode.internalError, 'it fails this time').toError(procedure);
    host.receive = (called, args, answer) => {
      if (called.name === procedure) this.world.clock.after(1, () => answer(throwing(refusal)));
      else receive(called, args, answer);
    };
    return () => void (host.receive = receive);
  }

  /**
   * As soon as a host is asked for that, the server that asks hangs, until what is returned is called:
   * nothing comes to it, and the store hears nothing of it.
   * @param server by the name that the store knows it by
   */
  cutOff(server: string, procedure: string): () => void {
    const { host, world } = this;
    const { servers } = world.store;
    const [receive, beat] = [host.receive.bind(host), servers.beat.bind(servers)];
    const released = Promise.withResolvers<void>();
    let isCut = false;
    host.receive = (called, args, answer) => {
      if (called.name !== procedure || isCut) return receive(called, args, answer);
      isCut = true;
      void released.promise.then(() => receive(called, args, answer));
    };
    servers.beat = async (id, ...rest) => {
      if (isCut && id === server) await released.promise;
      return beat(id, ...rest);
    };
    return released.resolve;
  }
}

function throwing(error: Error): () => never {
  return () => {
    throw error;
  };
}

/** A VM with dedicated pCPUs on a host. */
export function dedicatedVm(
  name: string,
  count: number,
  { host, ...spec }: { readonly host?: string } & Partial<VmDocument['spec']> = {},
): VmDocument {
  return {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name },
    spec: {
      cpu: { count, policy: 'dedicated' },
      memory: { size: '256MiB' },
      ...(host === undefined ? {} : { placement: { hosts: [host] } }),
      ...spec,
    },
  };
}
