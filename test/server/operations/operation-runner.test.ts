import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berthError, isBerthError } from '../../../src/base/errors.ts';
import { OperationRunner } from '../../../src/server/operations/operation-runner.ts';
import type { OperationPlan, Step } from '../../../src/server/operations/operation-kind.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import { Store } from '../../../src/store/store.ts';
import { quietPorts } from '../quiet-ports.ts';
import { gatedStore } from '../simulation/faulty-store.ts';
import type { StoreGate } from '../simulation/faulty-store.ts';

type Memory = { readonly seen: readonly string[] };

/** Waits as short as can be. */
const PORTS = quietPorts({
  sleep: async () => new Promise((resolve) => void setImmediate(resolve)),
});
const SUBJECT = { vm: 'web', uuid: 'u' };
const AWAY = berthError('BERTH_STORE_UNREACHABLE', { store: 'db', reason: 'it is off' });

function planOf(...steps: readonly Step<Memory>[]): OperationPlan<Memory> {
  return { kind: 'create', steps, hostOf: () => undefined };
}

function step(name: string, change: Partial<Step<Memory>> = {}): Step<Memory> {
  return { name, act: async ({ seen }) => ({ seen: [...seen, name] }), ...change };
}

async function ended(runner: OperationRunner, id: string): Promise<OperationRecord> {
  for (let after = 0; ;) {
    const { record } = await runner.get(id, { after, waitMs: 1000 });
    if (record.endedAt !== undefined) return record;
    after = record.revision;
  }
}

function isUnreachable(error: unknown): boolean {
  return isBerthError(error, 'BERTH_STORE_UNREACHABLE');
}

test('one that was perhaps not written down is told to nobody, and taken out again', async () => {
  await using store = await Store.open(':memory:');
  const retracting = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  let isLost = true;
  const gate: StoreGate = async (call, _args, work) => {
    if (call === 'operations.retract') await retracting.promise;
    const answer = await work();
    if (call !== 'operations.begin' || !isLost) return answer;
    await answered.promise; // it was written, and the answer is lost
    throw AWAY;
  };
  const runner = new OperationRunner(gatedStore(store, gate).operations, PORTS);
  const begin = async () => runner.begin(planOf(step('one')), SUBJECT, { seen: [] }, { id: 'o1' });
  const first = begin();
  const second = begin();
  const found = runner.find('o1');
  const refused = [first, second, found].map(async (each) => assert.rejects(each, isUnreachable));
  answered.resolve();
  await Promise.all(refused);
  assert.equal((await store.operations.get('o1'))?.state, 'running');
  await assert.rejects(begin(), isUnreachable, 'it may not be believed before it is taken out');
  await assert.rejects(runner.find('o1'), isUnreachable);
  isLost = false;
  retracting.resolve();
  await runner.working('web')?.ended;
  assert.deepEqual(
    [await runner.find('o1'), await store.operations.get('o1')],
    [undefined, undefined],
  );
  await begin();
  assert.equal((await ended(runner, 'o1')).state, 'done');
});

test('one that is cancelled while its last step ends is taken back', async () => {
  await using store = await Store.open(':memory:');
  const runner = new OperationRunner(store.operations, PORTS);
  const inStep = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const undone: string[] = [];
  const undo = async () => void undone.push('last');
  const act = async (memory: Memory): Promise<Memory> => {
    inStep.resolve();
    await over.promise; // it hears nothing of a signal
    return memory;
  };
  const { id } = await runner.begin(planOf(step('last', { act, undo })), SUBJECT, { seen: [] });
  await inStep.promise;
  assert.ok(await runner.cancel(id));
  over.resolve();
  const last = await ended(runner, id);
  assert.deepEqual([last.state, undone], ['undone', ['last']]);
});

test('one whose good end is being written cannot be cancelled any more', async () => {
  await using store = await Store.open(':memory:');
  const writing = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  const gate: StoreGate = async (call, _args, work) => {
    if (call === 'operations.write') {
      writing.resolve();
      await written.promise;
    }
    return work();
  };
  const runner = new OperationRunner(gatedStore(store, gate).operations, PORTS);
  const { id } = await runner.begin(planOf(step('last')), SUBJECT, { seen: [] });
  await writing.promise;
  assert.equal(await runner.cancel(id), false);
  written.resolve();
  assert.equal((await ended(runner, id)).state, 'done');
});

test('progress that is told late does not swallow the end of the step', async () => {
  await using store = await Store.open(':memory:');
  const tell = Promise.withResolvers<(say: string) => void>();
  let attempts = 0;
  const gate: StoreGate = async (call, _args, work) => {
    if (call === 'operations.write' && attempts++ === 0) {
      // What is told meanwhile is there before it.
      (await tell.promise)('late');
      await new Promise((resolve) => void setImmediate(resolve));
    }
    return work();
  };
  const runner = new OperationRunner(gatedStore(store, gate).operations, PORTS);
  const telling = step('one', {
    act: async ({ seen }, _signal, report) => {
      report({ say: 'early' });
      tell.resolve((say) => report({ say }));
      return { seen: [...seen, 'one'] };
    },
  });
  const { id } = await runner.begin(planOf(telling), SUBJECT, { seen: [] });
  await ended(runner, id);
  const record = await store.operations.get(id);
  assert.deepEqual([record?.state, record?.done, record?.memory], ['done', 1, { seen: ['one'] }]);
});

test('an operation that comes back to a server waits for its own earlier life there', async () => {
  await using store = await Store.open(':memory:');
  const runner = new OperationRunner(store.operations, PORTS);
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const log: string[] = [];
  let lives = 0;
  const act = async (memory: Memory): Promise<Memory> => {
    const life = lives++;
    log.push(`begins ${life}`);
    await gates[life]?.promise; // it hears nothing of a signal
    log.push(`ends ${life}`);
    return memory;
  };
  const plan = planOf(step('one', { act }));
  const { id } = await runner.begin(plan, SUBJECT, { seen: [] });
  runner.letGo(AWAY);
  await assert.rejects(runner.begin(plan, { vm: 'b', uuid: 'b' }, { seen: [] }), isUnreachable);
  const [record] = (await runner.takeUp()).taken;
  assert.equal(record?.epoch, 1);
  runner.resume(plan, record);
  gates[1]?.resolve();
  await new Promise((resolve) => void setImmediate(resolve));
  assert.deepEqual(log, ['begins 0']);
  gates[0]?.resolve();
  assert.equal((await ended(runner, id)).state, 'done');
  assert.deepEqual(log, ['begins 0', 'ends 0', 'begins 1', 'ends 1']);
  assert.equal(runner.working('web'), undefined);
});
