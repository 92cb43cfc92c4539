import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '../../../src/api/client.ts';
import type { OperationView } from '../../../src/api/resources.ts';
import type { VmDocument } from '../../../src/api/vm-spec.ts';
import { serve } from '../../../src/server/serve.ts';
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
  const vcpus = await mostThatFit(a.client, lab);
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

async function mostThatFit(client: Client, lab: LabHost): Promise<number> {
  const { cpus } = (await client.hosts())[0] ?? { cpus: 0 };
  for (let vcpus = cpus; vcpus > 0; vcpus--) {
    if ((await client.plan(widest(lab, 'probe', vcpus))).placed) return vcpus;
  }
  throw new Error('the host takes no VM at all');
}

function widest(lab: LabHost, name: string, count: number): VmDocument {
  return tinyVm(lab, name, { cpu: { count, policy: 'dedicated' } });
}

/** A server in this process. */
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
