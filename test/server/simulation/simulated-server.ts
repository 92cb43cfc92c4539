import { berthError, isBerthError } from '../../../src/base/errors.ts';
import type { BerthError } from '../../../src/base/errors.ts';
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
/** Most milliseconds until it is known that no database answers, as the pool of connections has it. */
const STORE_AWAY_MS = 15_000;
/** How often a connection to the database is tried meanwhile. */
const STORE_TRIED_MS = 500;

/** A process that is stopped: what waits for its timers, and what for answers, when it goes on. */
interface Stopped {
  readonly timers: PromiseWithResolvers<void>;
  readonly answers: PromiseWithResolvers<void>;
}

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
  #stopped: Stopped | undefined;
  #isCutOffUntil = 0;
  #isAlive = true;
  #isOpen = false;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.died = promise;
    this.#die = resolve;
    const store = gatedStore(world.store, async (...asked) => this.#askStore(...asked));
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

  /**
   * Stops it for so long, as SIGSTOP does: no timer of it runs and no answer is read, and then all that
   * has come meanwhile is.
   */
  halt(ms: number): void {
    if (!this.#isAlive || this.#stopped !== undefined) return;
    const { clock, trace } = this.#world;
    trace.add(`${this.#name} is stopped for ${ms} ms`);
    const stopped = {
      timers: Promise.withResolvers<void>(),
      answers: Promise.withResolvers<void>(),
    };
    this.#stopped = stopped;
    clock.after(ms, () => this.goOn());
  }

  /** Goes on, if it was stopped. */
  goOn(): void {
    const stopped = this.#stopped;
    if (stopped === undefined) return;
    const { clock, trace } = this.#world;
    this.#stopped = undefined;
    trace.add(`${this.#name} goes on`);
    // A loop of events that was interrupted while it waited looks at its timers first.
    stopped.timers.resolve();
    clock.after(0, () => stopped.answers.resolve());
  }

  /** For so long it does not reach the store. */
  cutOff(ms: number): void {
    this.#isCutOffUntil = this.#world.clock.elapsed + ms;
  }

  /** Asks it as a user does: a process that is stopped answers later, and one that dies never. */
  async ask<T>(work: () => Promise<T>): Promise<T | undefined> {
    await Promise.race([this.#running('answers'), this.died]);
    if (!this.#isAlive) return undefined;
    return Promise.race([work(), this.died.then(() => undefined)]);
  }

  /** Settles while it runs; never once it has died. */
  async #running(turn: keyof Stopped): Promise<void> {
    while (this.#stopped !== undefined && this.#isAlive) await this.#stopped[turn].promise;
    if (!this.#isAlive) await new Promise<never>(() => {});
  }

  /** A place at which the process can die. */
  async #pass(where: string): Promise<void> {
    if (this.#isAlive && this.#world.mayDie()) this.kill(where);
    if (!this.#isAlive) await new Promise<never>(() => {});
  }

  /** Waits for a database that is away: until it is there, or it is known that it is not. */
  async #reachStore(): Promise<void> {
    const { clock, chance } = this.#world;
    const until = clock.elapsed + chance.next() * STORE_AWAY_MS;
    while (this.#isStoreAway) {
      if (clock.elapsed >= until) throw storeAway('no server of it answers');
      await clock.sleep(STORE_TRIED_MS);
    }
  }

  get #isStoreAway(): boolean {
    const { clock, databaseAwayUntil, isHealed } = this.#world;
    return !isHealed && clock.elapsed < Math.max(databaseAwayUntil, this.#isCutOffUntil);
  }

  async #askStore(
    call: string,
    args: readonly unknown[],
    work: () => Promise<unknown>,
  ): Promise<unknown> {
    const { clock, chance, trace } = this.#world;
    if (chance.is(0.3)) await clock.sleep(chance.next() * STORE_MS);
    await this.#pass(`before ${call}`);
    await this.#running('answers');
    if (this.#world.store.isShared) await this.#reachStore();
    if (!isReading(call) && this.#world.happens('storeFull')) {
      trace.add(`${this.#name} finds the disk of the store full at ${call}`);
      throw berthError('BERTH_DISK_FULL', { what: 'the journal', path: 'store.sqlite' });
    }
    try {
      const result = await work();
      if (!isReading(call)) {
        trace.add(`${this.#name} has done ${call}`);
        this.#world.storeChanged();
      }
      this.#world.witness.stored(this.#name, call, args, result);
      if (this.#isAnswerLost(call)) {
        trace.add(`${this.#name} does not hear of it`);
        throw storeAway('the connection broke');
      }
      return result;
    } finally {
      await this.#pass(`after ${call}`);
      await this.#running('answers');
    }
  }

  #isAnswerLost(call: string): boolean {
    const { store } = this.#world;
    return store.isShared && !isReading(call) && this.#world.happens('storeAnswerLost');
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
        await this.#running('timers');
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
      pass: async (where) => {
        await this.#pass(where);
        // A call that was being sent is sent; what comes of it waits.
        if (where.startsWith('after')) await this.#running('answers');
      },
      onSent: (procedure, args) => world.witness.sent(this.#name, procedure, args),
      running: async () => (this.#isAlive ? this.#running('answers') : undefined),
      isAlive: () => this.#isAlive,
      news: {
        isLost: () => world.happens('newsLost'),
        isTwice: () => world.happens('newsTwice'),
        heldUpMs: () => world.newsLateMs(),
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

function storeAway(reason: string): BerthError {
  return berthError('BERTH_STORE_UNREACHABLE', { store: 'postgres://database', reason });
}
