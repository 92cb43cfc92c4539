import { present } from '../../../src/base/assert.ts';
import type { MachineDescription } from '../../../src/model/machine.ts';
import type { Store } from '../../../src/store/store.ts';
import type { Chance } from './chance.ts';
import type { FaultRates, Faults } from './fault-rates.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import { SimulatedHost } from './simulated-host.ts';
import type { SimulatedServer } from './simulated-server.ts';
import { Trace } from './trace.ts';
import { Witness } from './witness.ts';

const GIB = 1024 ** 3;

/** What a world begins with. */
interface WorldParts {
  readonly chance: Chance;
  readonly clock: SimulatedClock;
  readonly store: Store;
  readonly faults: Faults;
}

/** Everything of a run that outlives a server: time, chance, hosts and the store. */
export class World {
  readonly clock: SimulatedClock;
  readonly trace: Trace;
  readonly witness: Witness;
  readonly chance: Chance;
  readonly store: Store;
  readonly faults: Faults;
  readonly hosts: readonly SimulatedHost[];
  /** VMs that somebody has handled by hand: they may be gone, and with them what explains a volume. */
  readonly handled = new Set<string>();
  /** The servers of now, some of which may be dead until they are started again. */
  readonly servers: SimulatedServer[] = [];
  /** True from when nothing goes wrong any more. */
  isHealed = false;
  /** True when hosts or store may have changed since it was last set to false. */
  hasChanged = true;
  /** Until when the database answers nobody, in milliseconds of the clock's elapsed time. */
  databaseAwayUntil = 0;
  #deaths = 0;
  readonly #defects: unknown[] = [];

  constructor({ chance, clock, store, faults }: WorldParts) {
    this.chance = chance;
    this.clock = clock;
    this.trace = new Trace(clock);
    this.witness = new Witness(this.trace);
    this.store = store;
    this.faults = faults;
    const count = chance.between(1, 5);
    this.hosts = Array.from({ length: count }, (_, index) => this.#host(`h${index + 1}`));
  }

  hostOf(uri: string): SimulatedHost {
    return present(
      this.hosts.find((host) => host.uri === uri),
      `a simulated host at ${uri}`,
    );
  }

  /** Whether a fault of that kind happens now. */
  happens(kind: keyof FaultRates): boolean {
    return !this.isHealed && this.chance.is(this.faults.rates[kind]);
  }

  /** One that users can ask now; undefined where there is none. */
  openServer(chance: Chance): SimulatedServer | undefined {
    return chance.of(this.servers.filter(({ isOpen }) => isOpen));
  }

  /** Whether the server dies at a place where it can. */
  mayDie(): boolean {
    return this.happens('death') && this.maySlay();
  }

  /** Whether it may die once more in this run. */
  maySlay(): boolean {
    if (this.#deaths >= this.faults.deathsMax) return false;
    this.#deaths++;
    return true;
  }

  /** Milliseconds for which a piece of news is late. */
  newsLateMs(): number {
    if (this.happens('newsBehind')) return this.chance.between(3000, 30_000);
    return this.happens('newsHeldUp') ? this.chance.between(1, 3000) : 0;
  }

  storeChanged(): void {
    this.hasChanged = true;
  }

  /** Something has failed that no user, no fault and no host is to blame for. */
  defect(error: unknown): void {
    this.#defects.push(error);
  }

  get defects(): readonly unknown[] {
    return this.#defects;
  }

  #host(name: string): SimulatedHost {
    const { clock, trace, chance } = this;
    return new SimulatedHost({
      name,
      machine: drawMachine(chance),
      clock,
      trace,
      chance: chance.fork(),
      refuses: (procedure) => REFUSED.test(procedure) && this.happens('refusal'),
      onChange: () => (this.hasChanged = true),
      onLoss: (uuid, what) => {
        if (!this.handled.has(uuid)) this.defect(new Error(what));
      },
      shutdownMs: () => (this.happens('deafGuest') ? undefined : chance.between(10, 8000)),
    });
  }
}

/** Calls that libvirt may refuse although nothing is wrong with them. */
const REFUSED =
  /^(domain(Define|Create|Pin|Set|Undefine|Destroy|Suspend)|storage(VolCreate|VolDelete|PoolRefresh))/;

/** Small machines fill up soon, which is when placing gets interesting. */
function drawMachine(chance: Chance): MachineDescription {
  return {
    sockets: chance.between(1, 2),
    cores: chance.between(2, 4),
    threads: chance.between(1, 2),
    memoryBytes: chance.between(2, 6) * GIB,
    ...(chance.is(0.5) ? { pages: [{ sizeKiB: 2048, count: chance.between(100, 600) }] } : {}),
  };
}
