import { berthError, isBerthError } from '../../../src/base/errors.ts';
import type { Environment, HostAddress } from '../../../src/host/host-link.ts';
import type { LinkKeeper } from '../../../src/host/kept-link.ts';
import { isLibvirtError } from '../../../src/libvirt/index.ts';
import { compose } from '../../../src/server/compose.ts';
import type { Composition } from '../../../src/server/compose.ts';
import type { Fleet } from '../../../src/server/fleet/fleet.ts';
import type { Ports } from '../../../src/server/ports.ts';
import type { Services } from '../../../src/server/services/services.ts';
import { gatedStore, isReading } from './faulty-store.ts';
import { SimulatedWay } from './simulated-way.ts';
import type { World } from './world.ts';

/** Hosts that are reached by TCP need nothing of the process's own surroundings. */
const NO_ENVIRONMENT: Environment = { uid: 0 };
/** Milliseconds that the store may take for one call. */
const STORE_MS = 3;

/**
 * One life of a server process: the production code as `serve` puts it together, on a clock, a store
 * and hosts that can end it anywhere. What it waits for when it dies never comes, so that nothing of
 * it reaches anything any more.
 */
export class SimulatedServer {
  readonly died: Promise<void>;
  readonly #world: World;
  readonly #name: string;
  readonly #core: Composition;
  readonly #ways = new Set<SimulatedWay>();
  readonly #die: () => void;
  #isAlive = true;
  #isOpen = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.died = promise;
    this.#die = resolve;
    const store = gatedStore(world.store, async (call, work) => this.#askStore(call, work));
    this.#core = compose({ store, environment: NO_ENVIRONMENT }, this.#ports());
  }

  get fleet(): Fleet {
    return this.#core.fleet;
  }

  get services(): Services {
    return this.#core.services;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** True while users can ask it something. */
  get isOpen(): boolean {
    return this.#isOpen && this.#isAlive;
  }

  /** As `serve` does before it listens. */
  async start(): Promise<void> {
    await this.#core.start();
    this.#isOpen = true;
    this.#world.trace.add(`${this.#name} has started`);
  }

  /** Ends in order, as on SIGTERM. */
  async stop(): Promise<void> {
    await this.#core.endWork();
    await this.#core.leave();
  }

  /** Ends at once, as on SIGKILL. */
  kill(where: string): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#world.trace.add(`${this.#name} dies ${where}`);
    for (const way of this.#ways) way.abandon();
    this.#die();
  }

  /** A place at which the process can die. */
  async #pass(where: string): Promise<void> {
    if (this.#isAlive && this.#world.mayDie()) this.kill(where);
    if (!this.#isAlive) await new Promise<never>(() => {});
  }

  async #askStore(call: string, work: () => Promise<unknown>): Promise<unknown> {
    const { clock, chance, trace } = this.#world;
    if (chance.is(0.3)) await clock.sleep(chance.next() * STORE_MS);
    await this.#pass(`before ${call}`);
    if (!isReading(call) && this.#world.happens('storeFull')) {
      trace.add(`${this.#name} finds the disk of the store full at ${call}`);
      throw berthError('BERTH_DISK_FULL', { what: 'the journal', path: 'store.sqlite' });
    }
    try {
      const result = await work();
      if (!isReading(call)) trace.add(`${this.#name} has done ${call}`);
      this.#world.storeChanged();
      return result;
    } finally {
      await this.#pass(`after ${call}`);
    }
  }

  #ports(): Ports {
    const { clock, chance } = this.#world;
    const own = chance.fork();
    return {
      now: clock.now,
      uuid: () => own.uuid(),
      random: own.next,
      secret: (bytes) => Uint8Array.from({ length: bytes }, () => own.between(0, 255)),
      sleep: async (ms, signal) => {
        await clock.sleep(ms, signal);
        if (!this.#isAlive) await new Promise<never>(() => {});
      },
      keepLink: (address, keeper) => this.#way(address, keeper),
      log: {
        info: (facts, message) => this.#log('info', facts, message),
        warn: (facts, message) => this.#log('warn', facts, message),
        error: (facts, message) => this.#log('error', facts, message),
      },
    };
  }

  #way(address: HostAddress, keeper: LinkKeeper): SimulatedWay {
    const world = this.#world;
    const way = new SimulatedWay(world.hostOf(address.uri), address, keeper, {
      clock: world.clock,
      chance: world.chance.fork(),
      pass: async (where) => this.#pass(where),
      isAlive: () => this.#isAlive,
      news: {
        isLost: () => world.happens('newsLost'),
        isTwice: () => world.happens('newsTwice'),
        heldUpMs: () => (world.happens('newsHeldUp') ? world.chance.between(1, 3000) : 0),
      },
    });
    this.#ways.add(way);
    return way;
  }

  /** A failure without a code is a bug, wherever it was caught. */
  #log(level: string, facts: object, message: string): void {
    if (!this.#isAlive) return;
    const { err } = facts as { err?: unknown };
    const words = err instanceof Error ? `: ${err.message}` : '';
    this.#world.trace.add(`${this.#name} logs ${level}: ${message}${words}`);
    if (err !== undefined && !isBerthError(err) && !isLibvirtError(err)) this.#world.defect(err);
  }
}
