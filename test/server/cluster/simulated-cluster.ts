import { Leadership } from '../../../src/server/cluster/leadership.ts';
import { Membership } from '../../../src/server/cluster/membership.ts';
import type { OperationPlan } from '../../../src/server/operations/operation-kind.ts';
import { OperationRunner } from '../../../src/server/operations/operation-runner.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import { Store } from '../../../src/store/store.ts';
import { quietPorts } from '../quiet-ports.ts';
import { gatedStore } from '../simulation/faulty-store.ts';
import { SimulatedClock } from '../simulation/simulated-clock.ts';

/** What its operations remember: for whom, and for how long their one step takes. */
interface Memory {
  readonly vm: string;
  readonly forMs: number;
}

interface SimulatedMember {
  readonly runner: OperationRunner;
  readonly leadership: Leadership;
  readonly membership: Membership;
}

/** Servers on one store, without hosts, on a simulated clock; each can be cut off from the store. */
export class SimulatedCluster implements AsyncDisposable {
  readonly names: readonly string[];
  readonly store: Store;
  /** How far the clock of the database is ahead of time. */
  databaseAheadMs = 0;
  readonly #clock: SimulatedClock;
  readonly #members = new Map<string, SimulatedMember>();
  /** Until when calls to the store hang, by server. */
  readonly #cuts = new Map<string, PromiseWithResolvers<void>>();
  readonly #deaf = new Map<string, Error>();
  readonly #log: string[] = [];

  private constructor(names: readonly string[], store: Store, clock: SimulatedClock) {
    this.names = names;
    this.store = store;
    this.#clock = clock;
    for (const name of names) this.#members.set(name, this.#member(name));
  }

  static async open(names: readonly string[]): Promise<SimulatedCluster> {
    const clock = new SimulatedClock();
    let ahead = (): number => 0;
    const store = await Store.inMemory(() => clock.steady() + ahead());
    const cluster = new SimulatedCluster(names, store, clock);
    ahead = () => cluster.databaseAheadMs;
    for (const { membership } of cluster.#members.values()) await cluster.#run(membership.join());
    return cluster;
  }

  /** Begins an operation at a server; its one step takes so long. */
  async begin(name: string, vm: string, forMs: number): Promise<OperationRecord> {
    const { runner } = this.#at(name);
    return this.#run(runner.begin(this.#plan(name), { vm, uuid: `uuid-${vm}` }, { vm, forMs }));
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.#run(this.#clock.sleep(ms));
  }

  /** From now on whatever a server asks of the store is neither done nor answered, until `mend`. */
  cut(name: string): void {
    this.#cuts.set(name, Promise.withResolvers());
  }

  mend(name: string): void {
    this.#cuts.get(name)?.resolve();
    this.#cuts.delete(name);
  }

  /** Whatever a server asks of the store is done, and it hears of this failure instead. */
  deafen(name: string, failure: Error | undefined): void {
    if (failure === undefined) this.#deaf.delete(name);
    else this.#deaf.set(name, failure);
  }

  leaders(): readonly string[] {
    return this.names.filter((name) => this.#at(name).leadership.isLeader);
  }

  async alive(): Promise<readonly string[]> {
    return (await this.store.servers.list()).map(({ id }) => id).toSorted();
  }

  async record(id: string): Promise<OperationRecord | undefined> {
    return this.store.operations.get(id);
  }

  /** What servers have done for a VM, in order. */
  linesOf(vm: string): readonly string[] {
    return this.#log.filter((line) => line.endsWith(` ${vm}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of this.names) this.mend(name);
    for (const { runner, membership } of this.#members.values()) {
      await this.#run(runner.stop());
      await this.#run(membership.leave());
    }
    await this.store[Symbol.asyncDispose]();
  }

  #member(name: string): SimulatedMember {
    const { sleep, now } = this.#clock;
    const store = gatedStore(this.store, async (_call, _args, work) => this.#ask(name, work));
    const ports = quietPorts({ sleep, now });
    const runner = new OperationRunner(store.operations, ports, name);
    const leadership = new Leadership(store.leases, name, ports);
    const goOn = ({ taken }: { readonly taken: readonly OperationRecord[] }): void => {
      for (const record of taken) runner.resume(this.#plan(name), record);
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
    return { runner, leadership, membership };
  }

  #plan(name: string): OperationPlan<Memory> {
    const act = async (memory: Memory, signal: AbortSignal): Promise<Memory> => {
      this.#log.push(`${name} does ${memory.vm}`);
      try {
        await this.#clock.sleep(memory.forMs, signal);
      } catch (error) {
        this.#log.push(`${name} leaves ${memory.vm}`);
        throw error;
      }
      return memory;
    };
    const undo = async ({ vm }: Memory): Promise<void> => {
      this.#log.push(`${name} undoes ${vm}`);
    };
    return { kind: 'create', hostOf: () => undefined, steps: [{ name: 'do it', act, undo }] };
  }

  async #ask(name: string, work: () => Promise<unknown>): Promise<unknown> {
    await this.#cuts.get(name)?.promise;
    const answer = await work();
    const failure = this.#deaf.get(name);
    if (failure !== undefined) throw failure;
    return answer;
  }

  #at(name: string): SimulatedMember {
    const member = this.#members.get(name);
    if (member === undefined) throw new RangeError(`there is no server ${name}`);
    return member;
  }

  /** Lets time pass until the work has ended. */
  async #run<T>(work: Promise<T>): Promise<T> {
    let isOver = false;
    const over = (): void => {
      isOver = true;
    };
    work.then(over, over);
    for (;;) {
      await this.#clock.drain();
      if (isOver) return work;
      if (!this.#clock.step()) throw new Error('nothing will ever happen any more');
    }
  }
}
