import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../../src/api/client.ts';
import type { OperationView } from '../../../src/api/resources.ts';
import { parseVmDocument } from '../../../src/api/vm-spec.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { isBerthError } from '../../../src/base/errors.ts';
import { Fleet } from '../../../src/server/fleet/fleet.ts';
import { Placer } from '../../../src/server/fleet/placer.ts';
import { serve } from '../../../src/server/serve.ts';
import { Store } from '../../../src/store/store.ts';
import { labHost } from '../../lab/lab-host.ts';
import type { LabHost } from '../../lab/lab-host.ts';
import { sharedPostgres } from '../../store/both-stores.ts';
import { quietPorts } from '../quiet-ports.ts';
import { done, tinyVm } from '../rig.ts';

const READY_MS = 10_000;

/**
 * Two servers on one database and one host place a VM each, of which only one fits, again and again:
 * one is made, the other refused, and the pCPUs are never given twice.
 */
export async function race(rounds: number): Promise<void> {
  const lab = await labHost();
  const store = await (await sharedPostgres()).database();
  await using a = await Server.start(store);
  await a.client.addHost({ name: 'h1', uri: lab.uri });
  await using b = await Server.start(store);
  const { client } = a;
  const vcpus = await mostThatFit(async (document) => (await client.plan(document)).placed, lab);
  const wins = { a: 0, b: 0 };
  for (let round = 0; round < rounds; round++) {
    const documents = ['a', 'b'].map((name) => widest(lab, `${name}${round}`, vcpus));
    const ends = await Promise.all(
      [a, b].map(async ({ client }, index) => ending(client, documents[index])),
    );
    const states = ends.map(({ state }) => state).toSorted();
    assert.deepEqual(states, ['done', 'undone'], `round ${round}: ${JSON.stringify(ends)}`);
    const [winner, loser] = ends[0]?.state === 'done' ? ends : ends.toReversed();
    assert.equal(loser?.error?.code, 'BERTH_REFUSED', JSON.stringify(loser));
    wins[winner === ends[0] ? 'a' : 'b'] += 1;
    const name = winner?.vm ?? '';
    await assertAlone(round % 2 === 0 ? a.client : b.client, name);
    // The one that has lost may not have heard of the VM yet: it is removed where it was made.
    const { client } = winner === ends[0] ? a : b;
    await done(client, await client.removeVm(name, { force: true }));
  }
  assert.equal(wins.a + wins.b, rounds);
}

/**
 * The same race for the places alone, without making the VMs: of two claims one is taken, however the
 * looks, the claims and the giving back of both servers fall together.
 */
export async function raceForPlaces(rounds: number): Promise<void> {
  const lab = await labHost();
  const url = await (await sharedPostgres()).database();
  await using a = await PlacingServer.start(url);
  await a.fleet.add('h1', lab.uri);
  await using b = await PlacingServer.start(url);
  const vcpus = await mostThatFit(async (document) => a.fits(document), lab);
  for (let round = 0; round < rounds; round++) {
    const taken = await Promise.all(
      [a, b].map(async (server, index) => server.claim(widest(lab, `r${round}-${index}`, vcpus))),
    );
    const claims = await a.store.claims.list();
    assert.equal(taken.filter(Boolean).length, 1, `round ${round}: ${taken.join()}`);
    assert.equal(claims.length, 1);
    for (const { uuid } of claims) await [a, b][round % 2]?.store.claims.release(uuid);
  }
}

/** Asks the host itself: what a server has heard so far does not matter. */
async function assertAlone(client: Client, vm: string): Promise<void> {
  const { seats } = await client.host('h1');
  const given = seats.flatMap((seat) => seat.dedicated);
  assert.equal(new Set(given).size, given.length, JSON.stringify(seats));
  assert.ok(
    seats.every((seat) => seat.vm === vm),
    `beside ${vm}: ${JSON.stringify(seats)}`,
  );
}

async function ending(client: Client, document: VmDocument | undefined): Promise<OperationView> {
  assert.ok(document);
  return client.wait(await client.createVm(document, { start: false }), () => {});
}

/** How many vCPUs the widest VM has that the empty host takes: two of it never fit. */
async function mostThatFit(
  fits: (document: VmDocument) => Promise<boolean>,
  lab: LabHost,
): Promise<number> {
  for (let vcpus = availableParallelism(); vcpus > 0; vcpus--) {
    if (await fits(widest(lab, 'probe', vcpus))) return vcpus;
  }
  throw new Error('the host takes no VM at all');
}

function widest(lab: LabHost, name: string, count: number): VmDocument {
  return tinyVm(lab, name, { cpu: { count, policy: 'dedicated' } });
}

/** As much of a server as places VMs. */
class PlacingServer implements AsyncDisposable {
  readonly store: Store;
  readonly fleet: Fleet;
  readonly #placer: Placer;

  private constructor(store: Store) {
    this.store = store;
    this.fleet = new Fleet(store, { uid: 0 }, quietPorts());
    this.#placer = new Placer(this.fleet, store, Date.now);
  }

  static async start(url: string): Promise<PlacingServer> {
    const server = new PlacingServer(await Store.open(url));
    await server.fleet.start();
    return server;
  }

  async fits(document: VmDocument): Promise<boolean> {
    return (await this.#placer.plan(parseVmDocument(document))).ok;
  }

  /** @returns false when it is refused */
  async claim(document: VmDocument): Promise<boolean> {
    try {
      await this.#placer.claim({ spec: parseVmDocument(document), document }, randomUUID());
      return true;
    } catch (error) {
      if (isBerthError(error, 'BERTH_REFUSED')) return false;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.fleet.stop();
    await this.store[Symbol.asyncDispose]();
  }
}

/** A whole server in this process. */
class Server implements AsyncDisposable {
  readonly client: Client;
  readonly #home: string;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  private constructor(home: string, store: string) {
    this.#home = home;
    const socket = join(home, 'run', 'api.sock');
    this.client = new Client({ socket });
    const options = {
      home,
      socket,
      store,
      version: 'test',
      pid: process.pid,
      environment: { uid: 0 },
    };
    this.#ended = serve(options, quietPorts(), this.#stop.signal);
  }

  static async start(store: string): Promise<Server> {
    const home = await mkdtemp(join(tmpdir(), 'berth-race-'));
    await mkdir(join(home, 'run'));
    const server = new Server(home, store);
    await server.client.ready(READY_MS);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
    await rm(this.#home, { recursive: true });
  }
}
