import { isBerthError } from '../../../src/base/errors.ts';
import { Store } from '../../../src/store/store.ts';
import { bookProblems } from './books.ts';
import { Chance } from './chance.ts';
import { useFleet } from './clients.ts';
import { endingProblems } from './ending.ts';
import { drawFaults } from './fault-rates.ts';
import { SimulatedClock } from './simulated-clock.ts';
import { SimulatedServer } from './simulated-server.ts';
import { heal, strikeNowAndThen } from './strikes.ts';
import { World } from './world.ts';

/** Most milliseconds of simulated time until everything has ended after the last fault. */
const REST_MS = 1_800_000;
/** Milliseconds for which the world goes on then, so that what comes late shows. */
const AFTER_MS = 40_000;
/** Most milliseconds between the death of a server and its next life. */
const REVIVAL_MS = 5000;

/** What came of a run. */
export interface SimulationResult {
  readonly seed: number;
  /** What is wrong, in words; empty when nothing is. */
  readonly problems: readonly string[];
  /** The same in every run of the seed. */
  readonly digest: string;
  readonly events: number;
  /** How operations have ended. */
  readonly endings: Readonly<Record<string, number>>;
  readonly trace: readonly string[];
}

/** Runs the whole server, or several on one store, through what a seed decides. */
export async function simulate(seed: number): Promise<SimulationResult> {
  const chance = new Chance(seed);
  const clock = new SimulatedClock();
  const servers = chance.is(0.3) ? chance.between(2, 3) : 1;
  await using store = await (servers === 1
    ? Store.open(':memory:')
    : Store.inMemory(clock.database));
  const faults = drawFaults(chance.fork());
  const world = new World({ chance: chance.fork(), clock, store, faults });
  const problems = await new Run(world, chance, servers).problems();
  const { trace } = world;
  const operations = await store.operations.list(10_000);
  const endings = Map.groupBy(operations, ({ kind, state }) => `${kind} ${state}`);
  return {
    seed,
    problems,
    digest: trace.digest(),
    events: trace.count,
    endings: Object.fromEntries([...endings].map(([ending, { length }]) => [ending, length])),
    trace: trace.tail,
  };
}

class Run {
  readonly #world: World;
  readonly #chance: Chance;
  readonly #servers: number;
  #lives = 0;

  constructor(world: World, chance: Chance, servers: number) {
    this.#world = world;
    this.#chance = chance;
    this.#servers = servers;
  }

  async problems(): Promise<readonly string[]> {
    const world = this.#world;
    const inTime = [
      async () => this.#until(this.#register()),
      async () => this.#until(this.#busyTime()),
      async () => {
        world.isHealed = true;
        heal(world);
        return this.#until(this.#rest());
      },
    ];
    for (const phase of inTime) {
      const problems = await phase();
      if (problems.length > 0) return problems;
    }
    const problems = await endingProblems(world);
    await this.#until(Promise.all(world.servers.map(async (server) => server.stop())));
    return problems;
  }

  /** The first server, every host in its registry, and the other servers: then things may break. */
  async #register(): Promise<void> {
    const world = this.#world;
    world.isHealed = true;
    for (let index = 0; index < this.#servers; index++) {
      const server = this.#bear(index);
      await server.start();
      if (index > 0) continue;
      for (const [at, { name, uri }] of world.hosts.entries()) {
        // Some are added when things go wrong already.
        if (at > 0 && this.#chance.is(0.2)) continue;
        await server.services.hosts.addHost({ name, uri });
      }
    }
    world.isHealed = false;
    for (const index of world.servers.keys()) void this.#keepAlive(index);
  }

  async #busyTime(): Promise<void> {
    const world = this.#world;
    const clients = this.#chance.between(1, 4);
    void strikeNowAndThen(world, this.#chance.fork());
    await Promise.all(
      Array.from({ length: clients }, async () => {
        const chance = this.#chance.fork();
        return useFleet(world, chance.between(2, 8), chance);
      }),
    );
  }

  async #rest(): Promise<void> {
    const { clock, store } = this.#world;
    await this.#addMissingHosts();
    for (const end = clock.elapsed + REST_MS; clock.elapsed < end;) {
      await clock.sleep(1000);
      const isUp = this.#world.servers.every(({ isOpen }) => isOpen);
      if (isUp && (await store.operations.unfinished()).length === 0) break;
    }
    for (const end = clock.elapsed + REST_MS; clock.elapsed < end && !this.#isWholeInSight();) {
      await clock.sleep(1000);
    }
    await clock.sleep(AFTER_MS);
  }

  /** Whether every server sees every host. */
  #isWholeInSight(): boolean {
    const { hosts, servers } = this.#world;
    return servers.every(({ fleet: { mirrors } }) => {
      const seen = mirrors.filter(({ unreachable }) => unreachable === undefined);
      return seen.length === hosts.length;
    });
  }

  /** At the end every host is in the registry, so that it can be asked what servers see of it. */
  async #addMissingHosts(): Promise<void> {
    const { clock, store, hosts, servers, trace } = this.#world;
    for (const end = clock.elapsed + REST_MS; clock.elapsed < end; await clock.sleep(1000)) {
      const known = new Set((await store.hosts.list()).map(({ name }) => name));
      const missing = hosts.find(({ name }) => !known.has(name));
      if (missing === undefined) return;
      const { name, uri } = missing;
      const server = servers.find(({ isOpen }) => isOpen);
      const adding = server?.ask(async () => server.services.hosts.addHost({ name, uri }));
      await adding?.catch((error: unknown) => trace.add(`not added: ${String(error)}`));
    }
  }

  #bear(index: number): SimulatedServer {
    this.#lives++;
    const server = new SimulatedServer(this.#world, `server ${this.#lives}`);
    this.#world.servers[index] = server;
    return server;
  }

  /** Whenever a server dies another takes its place, for as long as the run lasts. */
  async #keepAlive(index: number): Promise<void> {
    for (let server = this.#world.servers[index]; server !== undefined;) {
      await server.died;
      await this.#world.clock.sleep(this.#chance.next() * REVIVAL_MS);
      server = this.#bear(index);
      await Promise.race([this.#start(server), server.died]);
    }
  }

  /** A server that cannot start ends, and whoever runs it starts it again. */
  async #start(server: SimulatedServer): Promise<void> {
    try {
      await server.start();
    } catch (error) {
      if (!isBerthError(error)) this.#world.defect(error);
      server.kill(`as it starts: ${error instanceof Error ? error.message : ''}`);
    }
  }

  /** Lets time pass until the work has ended, and looks after every event that nothing is wrong. */
  async #until(work: Promise<unknown>): Promise<readonly string[]> {
    const world = this.#world;
    let isOver = false;
    work.then(
      () => (isOver = true),
      (error: unknown) => {
        world.defect(error);
        isOver = true;
      },
    );
    for (;;) {
      await world.clock.drain();
      const problems = await this.#look();
      if (problems.length > 0 || isOver) return problems;
      if (!world.clock.step()) return ['nothing will ever happen any more'];
    }
  }

  async #look(): Promise<readonly string[]> {
    const world = this.#world;
    if (world.defects.length > 0) return world.defects.map(wordsOf);
    const { problems } = world.witness;
    if (problems.length > 0) return problems;
    if (!world.hasChanged) return [];
    world.hasChanged = false;
    return bookProblems(world);
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
