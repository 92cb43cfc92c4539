import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berthError } from '../../../src/base/errors.ts';
import { Store } from '../../../src/store/store.ts';
import type { OperationRecord, OperationRecords } from '../../../src/store/operations.ts';
import type { OperationPlan, Step } from '../../../src/server/operations/operation-kind.ts';
import { OperationRunner } from '../../../src/server/operations/operation-runner.ts';
import { quietPorts } from '../quiet-ports.ts';
import { operationViewOf } from '../../../src/server/services/views.ts';

/** What the world looks like: the steps that have been done and not undone. */
interface World {
  readonly done: Set<string>;
  readonly log: string[];
}
type Memory = { readonly seen: readonly string[] };

const PORTS = quietPorts({ now: () => 1, random: () => 0 });
const SUBJECT = { vm: 'web', uuid: 'u' };

function plan(world: World, failing?: string): OperationPlan<Memory> {
  const step = (name: string): Step<Memory> => ({
    name,
    act: async (memory) => {
      world.done.add(name);
      world.log.push(`do ${name}`);
      if (name === failing) throw new Error(`${name} broke`);
      return { seen: [...memory.seen, name] };
    },
    undo: async () => {
      world.done.delete(name);
      world.log.push(`undo ${name}`);
    },
  });
  return { kind: 'create', steps: ['one', 'two', 'three'].map(step), hostOf: () => 'h1' };
}

async function ended(runner: OperationRunner, id: string): Promise<OperationRecord> {
  for (;;) {
    const { record } = await runner.get(id);
    if (record.endedAt !== undefined) return record;
    await runner.get(id, { after: record.revision, waitMs: 1000 });
  }
}

test('a failing step is undone with those before it, backwards, and the reason is kept', async () => {
  await using store = await Store.open(':memory:');
  const runner = new OperationRunner(store.operations, PORTS);
  const world: World = { done: new Set(), log: [] };
  const { id } = await runner.begin(plan(world, 'two'), SUBJECT, { seen: [] });
  const record = await ended(runner, id);
  assert.equal(record.state, 'undone');
  assert.match(JSON.stringify(record.error), /create web failed at \\"two\\": two broke/);
  assert.deepEqual(world.log, ['do one', 'do two', 'undo two', 'undo one']);
});

test('a failure to undo is told, does not stop the rest, and ends as failed', async () => {
  await using store = await Store.open(':memory:');
  const runner = new OperationRunner(store.operations, PORTS);
  const world: World = { done: new Set(), log: [] };
  const whole = plan(world, 'three');
  const steps = whole.steps.map((step) =>
    step.name === 'two' ? { ...step, undo: async () => Promise.reject(new Error('stuck')) } : step,
  );
  const { id } = await runner.begin({ ...whole, steps }, SUBJECT, { seen: [] });
  const record = await ended(runner, id);
  assert.equal(record.state, 'failed');
  assert.deepEqual((record.memory as { leftOver?: unknown }).leftOver, ['two: stuck']);
  assert.deepEqual([...world.done], ['two']);
});

for (const moment of ['before', 'after'] as const) {
  for (const crashAt of ['one', 'two', 'three']) {
    test(`a crash ${moment} the work of step ${crashAt} is made good by the next server`, async () => {
      await using store = await Store.open(':memory:');
      const world: World = { done: new Set(), log: [] };
      const whole = plan(world);
      const crash = Promise.withResolvers<void>();
      const steps = whole.steps.map((step) => ({
        ...step,
        act: async (memory: Memory, signal: AbortSignal): Promise<Memory> => {
          if (step.name !== crashAt) return step.act(memory, signal, () => {});
          if (moment === 'after') await step.act(memory, signal, () => {});
          crash.resolve();
          return new Promise<Memory>(() => {}); // the process is gone
        },
      }));
      const dead = new OperationRunner(store.operations, PORTS);
      const { id } = await dead.begin({ ...whole, steps }, SUBJECT, { seen: [] });
      await crash.promise;

      const next = new OperationRunner(store.operations, PORTS);
      const [record] = (await next.takeOver()).taken;
      assert.ok(record);
      next.resume(whole, record);
      const last = await ended(next, id);
      assert.equal(last.state, 'done');
      assert.deepEqual([...world.done].toSorted(), ['one', 'three', 'two']);
      assert.deepEqual(last.memory, { seen: ['one', 'two', 'three'] });
    });
  }
}

test('a crash while undoing is undone to the end', async () => {
  await using store = await Store.open(':memory:');
  const world: World = { done: new Set(['one']), log: [] };
  await store.operations.begin({
    id: 'o',
    kind: 'create',
    vm: 'web',
    vmUuid: 'u',
    state: 'undoing',
    steps: ['one', 'two', 'three'],
    done: 1,
    memory: { seen: ['one'] },
    revision: 4,
    startedAt: 1,
    error: { code: 'BERTH_INTERNAL' },
  });
  const runner = new OperationRunner(store.operations, PORTS);
  const [record] = (await runner.takeOver()).taken;
  assert.ok(record);
  runner.resume(plan(world), record);
  const last = await ended(runner, 'o');
  assert.equal(last.state, 'undone');
  assert.deepEqual(last.error, { code: 'BERTH_INTERNAL' });
  assert.deepEqual([...world.done], []);
});

test('an interrupted operation waits for its host, and its VM is busy until then', async () => {
  await using store = await Store.open(':memory:');
  const world: World = { done: new Set(), log: [] };
  const dead = new OperationRunner(store.operations, PORTS);
  const never = { name: 'one', act: async () => new Promise<Memory>(() => {}) };
  const { id } = await dead.begin({ ...plan(world), steps: [never] }, SUBJECT, { seen: [] });
  const runner = new OperationRunner(store.operations, PORTS);
  const [record] = (await runner.takeOver()).taken;
  assert.equal(record?.host, 'h1');
  const host = Promise.withResolvers<void>();
  runner.resume(plan(world), record, host.promise);
  await assert.rejects(runner.begin(plan(world), SUBJECT, { seen: [] }), /web is busy/);
  assert.deepEqual(world.log, []);
  host.resolve();
  assert.equal((await ended(runner, id)).state, 'done');
});

test('of two operations on one VM the second is refused while the first runs', async () => {
  await using store = await Store.open(':memory:');
  const runner = new OperationRunner(store.operations, PORTS);
  const world: World = { done: new Set(), log: [] };
  const first = await runner.begin(plan(world), SUBJECT, { seen: [] });
  await assert.rejects(runner.begin(plan(world), SUBJECT, { seen: [] }), /web is busy/);
  await ended(runner, first.id);
  const second = await runner.begin(plan(world), SUBJECT, { seen: [] });
  assert.equal((await ended(runner, second.id)).state, 'done');
});

test('undoing waits for a host that is away, says so, and goes on when it is back', async () => {
  await using store = await Store.open(':memory:');
  const runner = new OperationRunner(store.operations, PORTS);
  const world: World = { done: new Set(), log: [] };
  const whole = plan(world, 'three');
  const back = Promise.withResolvers<void>();
  let isAway = true;
  const steps = whole.steps.map((step) => ({
    ...step,
    undo: async (memory: Memory, signal: AbortSignal): Promise<void> => {
      if (step.name === 'two' && isAway) {
        throw berthError('BERTH_HOST_UNREACHABLE', { host: 'h1', uri: 'u', reason: 'it is off' });
      }
      await step.undo?.(memory, signal);
    },
  }));
  const awaiting = { ...whole, steps, ready: async () => back.promise };
  const { id } = await runner.begin(awaiting, SUBJECT, { seen: [] });
  let status = await runner.get(id);
  while (status.record.waitsFor === undefined) {
    status = await runner.get(id, { after: status.record.revision, waitMs: 1000 });
  }
  assert.match(status.record.waitsFor, /it is off/);
  assert.equal(operationViewOf(status).state, 'running');
  assert.deepEqual([...world.done], ['one', 'two']);
  await assert.rejects(runner.begin(whole, SUBJECT, { seen: [] }), /web is busy.*it is off/);
  isAway = false;
  back.resolve();
  assert.equal((await ended(runner, id)).state, 'undone');
  assert.deepEqual([...world.done], []);
});

test('stopping while undoing waits leaves the journal undoing, for the next server to go on', async () => {
  await using store = await Store.open(':memory:');
  const runner = new OperationRunner(store.operations, PORTS);
  const world: World = { done: new Set(), log: [] };
  const whole = plan(world, 'two');
  const away = async (): Promise<void> => {
    throw berthError('BERTH_HOST_UNREACHABLE', { host: 'h1', uri: 'u', reason: 'it is off' });
  };
  const steps = whole.steps.map((step) => (step.name === 'one' ? { ...step, undo: away } : step));
  const { id } = await runner.begin({ ...whole, steps }, SUBJECT, { seen: [] });
  while ((await runner.get(id, { after: 2, waitMs: 1000 })).record.waitsFor === undefined);
  await runner.stop();
  const next = new OperationRunner(store.operations, PORTS);
  const [record] = (await next.takeOver()).taken;
  assert.ok(record?.state === 'undoing');
  next.resume(whole, record);
  assert.equal((await ended(next, id)).state, 'undone');
  assert.deepEqual([...world.done], []);
});

test('what fails behind a step that lasts is failed, not undone, and its error says so', async () => {
  await using store = await Store.open(':memory:');
  const runner = new OperationRunner(store.operations, PORTS);
  const world: World = { done: new Set(), log: [] };
  const whole = plan(world, 'two');
  const steps = whole.steps.map(({ name, act }) => ({ name, act, lasting: true }));
  const { id } = await runner.begin({ ...whole, steps }, SUBJECT, { seen: [] });
  const record = await ended(runner, id);
  assert.equal(record.state, 'failed');
  assert.equal((record.error as { data: { undone: boolean } }).data.undone, false);
});

test('nothing is taken back before the journal can be told so, which is said meanwhile', async () => {
  await using store = await Store.open(':memory:');
  let isFull = false;
  const journal = Object.create(store.operations, {
    write: {
      value: async (record: OperationRecord): Promise<void> => {
        if (isFull) throw berthError('BERTH_DISK_FULL', { what: 'the journal', path: '/x' });
        await store.operations.write(record);
      },
    },
    begin: { value: async (record: OperationRecord) => store.operations.begin(record) },
    get: { value: async (id: string) => store.operations.get(id) },
  }) as OperationRecords;
  const runner = new OperationRunner(journal, PORTS);
  const world: World = { done: new Set(), log: [] };
  const whole = plan(world);
  const steps = whole.steps.map((step) => ({
    ...step,
    act: async (memory: Memory, signal: AbortSignal): Promise<Memory> => {
      isFull ||= step.name === 'two';
      return step.act(memory, signal, () => {});
    },
  }));
  const { id } = await runner.begin({ ...whole, steps }, SUBJECT, { seen: [] });
  let { record } = await runner.get(id);
  while (record.waitsFor === undefined) {
    ({ record } = await runner.get(id, { after: record.revision, waitMs: 1000 }));
  }
  const told = operationViewOf({ record });
  assert.equal(told.state, 'running');
  assert.match(told.waitsFor ?? '', /cannot be written to the journal/);
  assert.deepEqual([...world.done], ['one', 'two']);
  await assert.rejects(runner.begin(whole, SUBJECT, { seen: [] }), /web is busy/);
  isFull = false;
  const end = operationViewOf({ record: await ended(runner, id) });
  assert.equal(end.state, 'undone');
  assert.equal(end.error?.code, 'BERTH_DISK_FULL');
  assert.deepEqual([...world.done], []);
  assert.equal((await store.operations.get(id))?.state, 'undone');
  await runner.stop();
});

test('an operation that another version began is given up, and said to be left as it is', async () => {
  await using store = await Store.open(':memory:');
  const runner = new OperationRunner(store.operations, PORTS);
  const never = { name: 'one', act: async () => new Promise<Memory>(() => {}) };
  const world: World = { done: new Set(), log: [] };
  const dead = new OperationRunner(store.operations, PORTS);
  const { id } = await dead.begin({ ...plan(world), steps: [never] }, SUBJECT, { seen: [] });
  const [record] = (await runner.takeOver()).taken;
  assert.ok(record);
  await runner.giveUp(record, 'its steps are others');
  assert.equal((await ended(runner, id)).state, 'failed');
  assert.deepEqual(await store.operations.unfinished(), []);
});
