import { isBerthError } from '../../../src/base/errors.ts';
import { askedBy } from '../../../src/server/operations/asker.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import type { Chance } from './chance.ts';
import type { SimulatedServer } from './simulated-server.ts';
import { drawWish } from './wishes.ts';
import type { Wish } from './wishes.ts';
import type { World } from './world.ts';

/** How long a client waits for an operation that it began, and how often it looks. */
const PATIENCE_MS = 120_000;
const LOOK_MS = 500;
/** How soon a request is sent again whose answer does not come, or came. */
const AGAIN_MS = [0, 5, 1000, 20_000] as const;

/** One user: asks for this and that, and mostly waits until it has come about. */
export async function useFleet(world: World, wishes: number, chance: Chance): Promise<void> {
  const { clock } = world;
  for (let made = 0; made < wishes; made++) {
    await clock.sleep(chance.next() * (chance.is(0.3) ? 20_000 : 2000));
    const server = world.openServer(chance);
    if (server === undefined) continue;
    const wish = drawWish(chance, world);
    await makeWish(world, server, wish, chance);
  }
}

async function makeWish(
  world: World,
  server: SimulatedServer,
  wish: Wish,
  chance: Chance,
): Promise<void> {
  const began = await (chance.is(0.2)
    ? askAgain(world, wish, chance.fork())
    : attempt(world, server, wish));
  if (began === undefined) return;
  if (chance.is(0.1)) await cancelSoon(world, began, chance);
  if (chance.is(0.7)) await watch(world, server, began.id);
}

/** Sends a request two or three times under one key: to this server and that, at once or later. */
async function askAgain(
  world: World,
  wish: Wish,
  chance: Chance,
): Promise<OperationRecord | undefined> {
  const key = chance.uuid();
  const sent = Array.from({ length: chance.between(2, 3) }, async (_, time) => {
    if (time > 0) await world.clock.sleep(chance.next() * (chance.of(AGAIN_MS) ?? 0));
    const server = world.openServer(chance);
    if (server === undefined) return undefined;
    const keyed = { ...wish, make: async () => underKey(server, key, wish) };
    const began = await attempt(world, server, keyed);
    if (began !== undefined) world.witness.answered(began, key);
    return began;
  });
  const answers = await Promise.all(sent);
  return answers.find((began) => began !== undefined);
}

/** As the HTTP server does with a request that has an `Idempotency-Key`. */
async function underKey(
  server: SimulatedServer,
  key: string,
  { words, make }: Wish,
): Promise<OperationRecord | undefined> {
  const { requestKeys } = server.services;
  const { request, operation } = await requestKeys.admit({ actor: '', key, parts: [words] });
  if (operation !== undefined) return operation;
  try {
    return await askedBy({ id: request.operation }, async () => make(server));
  } catch (error) {
    // What stands in its way may be what its like has begun meanwhile.
    const begun = await requestKeys.begunBy(request).catch(() => undefined);
    if (begun === undefined) throw error;
    return begun;
  } finally {
    await requestKeys.letGo(request);
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
  const cancel = async (): Promise<undefined> => {
    await server.services.operations.cancel(id);
    return undefined;
  };
  await attempt(world, server, { words: `cancel ${kind} ${vm}`, make: cancel });
}

/** @returns the operation that was begun; undefined where none was, or nobody knows. */
async function attempt(
  world: World,
  server: SimulatedServer,
  { words, make }: Wish,
): Promise<OperationRecord | undefined> {
  world.trace.add(`somebody asks to ${words}`);
  try {
    const began = await server.ask(async () => make(server));
    if (began !== undefined) world.witness.answered(began);
    return began;
  } catch (error) {
    world.trace.add(`${words} is refused: ${error instanceof Error ? error.message : ''}`);
    if (!isBerthError(error)) world.defect(error);
    return undefined;
  }
}

async function watch(world: World, server: SimulatedServer, id: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < PATIENCE_MS && server.isAlive; waitedMs += LOOK_MS) {
    try {
      const found = await server.ask(async () => server.services.operations.operation(id));
      const state = found?.record.state;
      if (state !== undefined && state !== 'running' && state !== 'undoing') return;
    } catch (error) {
      if (!isBerthError(error)) world.defect(error);
    }
    await world.clock.sleep(LOOK_MS);
  }
}
