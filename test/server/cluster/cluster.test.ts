import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import type { OperationPlan, Step } from '../../../src/server/operations/operation-kind.ts';
import type { OperationRecord } from '../../../src/store/operations.ts';
import { sharedPostgres } from '../../store/both-stores.ts';
import { postgresSkip } from '../../store/postgres.ts';
import { until } from '../rig.ts';
import { join } from './member.ts';
import type { Member, Memory } from './member.ts';

const skip = postgresSkip();
const SUBJECT = { vm: 'web', uuid: 'u' };
const START: Memory = { by: [] };

/** An operation whose second step waits for a gate, at one member. */
class World {
  readonly gates = new Map<string, PromiseWithResolvers<void>>();
  readonly log: string[] = [];
  lasting = false;

  planOf = (member: string): OperationPlan<Memory> => ({
    kind: 'create',
    hostOf: () => 'h1',
    steps: ['one', 'two', 'three'].map((name) => this.#step(name, member)),
  });

  close(member: string): void {
    this.gates.set(member, Promise.withResolvers());
  }

  #step(name: string, member: string): Step<Memory> {
    return {
      name,
      ...(this.lasting ? { lasting: true } : {}),
      act: async ({ by }, signal, tell) => {
        this.log.push(`${member} does ${name}`);
        if (name === 'two') {
          tell({ fraction: 0.5, say: 'half of it' });
          const left = Promise.withResolvers<never>();
          signal.addEventListener('abort', () => left.reject(signal.reason), { once: true });
          await Promise.race([this.gates.get(member)?.promise, left.promise]);
        }
        return { by: [...by, `${name} by ${member}`] };
      },
      undo: async () => {
        this.log.push(`${member} undoes ${name}`);
      },
    };
  }
}

async function ended(member: Member, id: string): Promise<OperationRecord> {
  for (let after = 0; ;) {
    const { record } = await member.runner.get(id, { after, waitMs: 30_000 });
    if (record.endedAt !== undefined) return record;
    after = record.revision;
  }
}

async function twoMembers(world: World): Promise<readonly [Member, Member]> {
  const url = await (await sharedPostgres()).database();
  // Both at once: only one of them makes the tables.
  return Promise.all([join(url, 'a', world.planOf), join(url, 'b', world.planOf)]);
}

test('one server leads, and when it leaves another one does', { skip }, async () => {
  const [a, b] = await twoMembers(new World());
  await until('a leader', async () => a.leadership.isLeader || b.leadership.isLeader);
  assert.ok(a.leadership.isLeader !== b.leadership.isLeader);
  const [leader, follower] = a.leadership.isLeader ? [a, b] : [b, a];
  await using last = follower;
  await leader[Symbol.asyncDispose]();
  assert.equal(leader.leadership.isLeader, false);
  await until('the follower leads', async () => last.leadership.isLeader);
});

test(
  'what a dead server leaves another one finishes, and the dead one is fenced',
  { skip },
  async () => {
    const world = new World();
    const [one, other] = await twoMembers(world);
    await using a = one;
    await using b = other;
    world.close('a');
    const { id } = await a.runner.begin(world.planOf('a'), SUBJECT, START);
    await until('the second step', async () => world.log.includes('a does two'));
    a.freeze();
    const last = await ended(b, id);
    assert.deepEqual([last.state, last.server], ['done', 'b']);
    assert.deepEqual((last.memory as Memory).by, ['one by a', 'two by b', 'three by b']);
    // It comes back in the middle of its step, and writes.
    world.gates.get('a')?.resolve();
    await a.runner.working('web')?.ended;
    assert.deepEqual(await b.store.operations.get(id), last);
    assert.ok(!world.log.some((line) => line.includes('undoes')), world.log.join());
    assert.ok(!world.log.includes('a does three'));
    a.thaw();
    await until('a is back', async () => (await b.store.servers.list()).length === 2);
  },
);

test(
  'a server that was taken for dead drops what others have, when it comes back',
  { skip },
  async () => {
    const world = new World();
    const [one, other] = await twoMembers(world);
    await using a = one;
    await using b = other;
    world.close('a');
    const { id } = await a.runner.begin(world.planOf('a'), SUBJECT, START);
    await until('the second step', async () => world.log.includes('a does two'));
    a.freeze();
    assert.equal((await ended(b, id)).server, 'b');
    a.thaw();
    await until('a has dropped it', async () => a.runner.working('web') === undefined);
    assert.ok(!world.log.some((line) => line.includes('undoes')), world.log.join());
  },
);

test(
  'of two operations on one VM the second is refused by every server, naming the first',
  { skip },
  async () => {
    const world = new World();
    const [one, other] = await twoMembers(world);
    await using a = one;
    await using b = other;
    world.close('a');
    const first = await a.runner.begin(world.planOf('a'), SUBJECT, START);
    await assert.rejects(
      b.runner.begin(world.planOf('b'), SUBJECT, START),
      (error) => isBerthError(error, 'BERTH_BUSY') && error.message.includes(first.id),
    );
    const again = await b.runner.begin(world.planOf('b'), SUBJECT, START, { id: first.id });
    assert.equal(again.server, 'a', 'the same id begins nothing new');
    world.gates.get('a')?.resolve();
    assert.equal((await ended(b, first.id)).state, 'done');
    const next = await b.runner.begin(world.planOf('b'), SUBJECT, START);
    assert.equal((await ended(a, next.id)).server, 'b');
  },
);

test('an operation is followed and cancelled from another server', { skip }, async () => {
  const world = new World();
  const [one, other] = await twoMembers(world);
  await using a = one;
  await using b = other;
  world.close('a');
  const { id } = await a.runner.begin(world.planOf('a'), SUBJECT, START);
  await until('its progress', async () => {
    const { record } = await b.runner.get(id, { after: 1, waitMs: 1000 });
    return record.progress?.fraction === 0.5;
  });
  assert.ok(await b.runner.cancel(id));
  const last = await ended(b, id);
  assert.deepEqual([last.state, last.progress], ['undone', undefined]);
  assert.match(
    JSON.stringify(last.error),
    /BERTH_CANCELLED.*create web was cancelled at \\"two\\"/,
  );
  assert.deepEqual(world.log.slice(-2), ['a undoes two', 'a undoes one']);
  assert.ok(!(await b.runner.cancel(id)), 'it has ended');
});

test('a store in a file is taken over at once, whenever its last server ended', async (t) => {
  const folder = await mkdtemp(joinPath(tmpdir(), 'berth-cluster-'));
  t.after(async () => rm(folder, { recursive: true }));
  const file = joinPath(folder, 'store.sqlite');
  const world = new World();
  world.close('a');
  const a = await join(file, 'a', world.planOf);
  const { id } = await a.runner.begin(world.planOf('a'), SUBJECT, START);
  await until('the second step', async () => world.log.includes('a does two'));
  await a.store[Symbol.asyncDispose](); // as if it were killed: its row stays
  await using b = await join(file, 'b', world.planOf);
  assert.ok(b.leadership.isLeader);
  assert.deepEqual((await ended(b, id)).server, 'b');
  assert.deepEqual(
    (await b.store.servers.list()).map((server) => server.id),
    ['b'],
  );
});
