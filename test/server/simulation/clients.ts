import { isBerthError } from '../../../src/base/errors.ts';
import { OWNER } from '../../../src/server/access/caller.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import type { Chance } from './chance.ts';
import { drawDocument, drawName } from './documents.ts';
import type { SimulatedServer } from './simulated-server.ts';
import type { World } from './world.ts';

/** How long a client waits for an operation that it began, and how often it looks. */
const PATIENCE_MS = 120_000;
const LOOK_MS = 500;

type Wish = (server: SimulatedServer) => Promise<OperationRecord | undefined>;

/** One user: asks for this and that, and mostly waits until it has come about. */
export async function useFleet(world: World, wishes: number, chance: Chance): Promise<void> {
  const { clock } = world;
  for (let made = 0; made < wishes; made++) {
    await clock.sleep(chance.next() * (chance.is(0.3) ? 20_000 : 2000));
    const server = world.openServer(chance);
    if (server === undefined) continue;
    const { words, wish } = drawWish(chance);
    const began = await attempt(world, server, words, wish);
    if (began === undefined) continue;
    if (chance.is(0.1)) await cancelSoon(world, began, chance);
    if (chance.is(0.7)) await watch(world, server, began.id);
  }
}

/** Somebody thinks better of it, and tells whichever server. */
async function cancelSoon(
  world: World,
  { id, kind, vm }: OperationRecord,
  chance: Chance,
): Promise<void> {
  await world.clock.sleep(chance.next() * (chance.is(0.5) ? 100 : 5000));
  const server = world.openServer(chance);
  if (server === undefined) return;
  await attempt(world, server, `cancel ${kind} ${vm}`, async ({ services }) => {
    await services.operations.cancel(id);
    return undefined;
  });
}

/** @returns the operation that was begun; undefined where none was, or nobody knows. */
async function attempt(
  world: World,
  server: SimulatedServer,
  words: string,
  wish: Wish,
): Promise<OperationRecord | undefined> {
  world.trace.add(`somebody asks to ${words}`);
  try {
    return await Promise.race([wish(server), server.died.then(() => undefined)]);
  } catch (error) {
    world.trace.add(`${words} is refused: ${error instanceof Error ? error.message : ''}`);
    if (!isBerthError(error)) world.defect(error);
    return undefined;
  }
}

async function watch(world: World, server: SimulatedServer, id: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS && server.isAlive; waitedMs += LOOK_MS) {
    const looking = server.services.operations.operation(id);
    const found = await Promise.race([looking, server.died]);
    const state = found?.record.state;
    if (state !== undefined && state !== 'running' && state !== 'undoing') return;
    await world.clock.sleep(LOOK_MS);
  }
}

function drawWish(chance: Chance): { words: string; wish: Wish } {
  const name = drawName(chance);
  const force = chance.is(0.5);
  if (chance.is(0.45)) {
    const document = drawDocument(name, chance);
    const start = chance.is(0.7);
    return {
      words: `create ${name}`,
      wish: async ({ services }) => services.vms.createVm(document, start, OWNER),
    };
  }
  if (chance.is(0.3)) {
    return {
      words: `remove ${name}`,
      wish: async ({ services }) => services.vms.removeVm(name, force),
    };
  }
  if (chance.is(0.1)) return { words: 'look at the hosts', wish: look };
  const kind = chance.of(['start', 'start', 'stop', 'stop', 'reboot', 'pause', 'resume'] as const);
  return {
    words: `${kind} ${name}`,
    wish: async ({ services }) => services.vms.act(name, kind ?? 'start', force),
  };
}

async function look({ services }: SimulatedServer): Promise<undefined> {
  await services.hosts.hosts({ limit: 100 });
  return undefined;
}
