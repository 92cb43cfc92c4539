import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berthError, isBerthError } from '../../../src/base/errors.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

const LONG_MS = 60_000;

test('a server that is cut off has let go before another one goes on', async () => {
  await using world = await SimulatedCluster.open(['a', 'b']);
  const { id } = await world.begin('a', 'web', LONG_MS);
  await world.pass(1000);
  world.cut('a');
  await world.pass(30_000);
  assert.deepEqual(world.linesOf('web'), ['a does web', 'a leaves web', 'b does web']);
  await assert.rejects(world.begin('a', 'other', 1), (error) =>
    isBerthError(error, 'BERTH_STORE_UNREACHABLE'),
  );
  world.mend('a');
  await world.pass(LONG_MS);
  const last = await world.record(id);
  assert.deepEqual([last?.state, last?.server, last?.epoch], ['done', 'b', 1]);
  assert.equal(world.linesOf('web').length, 3);
  await world.begin('a', 'other', 1);
});

test('a server that was cut off for less than others wait goes on by itself', async () => {
  await using world = await SimulatedCluster.open(['a', 'b']);
  const { id } = await world.begin('a', 'web', LONG_MS);
  await world.pass(1000);
  world.cut('a');
  await world.pass(4600);
  world.mend('a');
  await world.pass(2 * LONG_MS);
  assert.deepEqual(world.linesOf('web'), ['a does web', 'a leaves web', 'a does web']);
  assert.deepEqual([(await world.record(id))?.state, await world.alive()], ['done', ['a', 'b']]);
});

test('after an outage of the database nobody is taken for dead who is not', async () => {
  await using world = await SimulatedCluster.open(['a', 'b', 'c']);
  for (const name of world.names) await world.begin(name, `vm-${name}`, LONG_MS);
  await world.pass(2000);
  const before = await world.store.servers.list();
  for (const name of world.names) world.cut(name);
  await world.pass(20_000);
  for (const name of world.names) {
    world.mend(name);
    await world.pass(700);
  }
  await world.pass(2 * LONG_MS);
  const after = await world.store.servers.list();
  assert.deepEqual(
    after.map(({ id, startedAt }) => [id, startedAt]),
    before.map(({ id, startedAt }) => [id, startedAt]),
  );
  for (const name of world.names) {
    const vm = `vm-${name}`;
    assert.deepEqual(world.linesOf(vm), [
      `${name} does ${vm}`,
      `${name} leaves ${vm}`,
      `${name} does ${vm}`,
    ]);
  }
});

for (const jump of [3_600_000, -3_600_000]) {
  test(`the clock of the database jumps by ${jump / 60_000} minutes, and nothing comes of it`, async () => {
    await using world = await SimulatedCluster.open(['a', 'b']);
    await world.begin('a', 'web', LONG_MS);
    await world.pass(2000);
    const [leader] = world.leaders();
    world.databaseAheadMs = jump;
    await world.pass(2 * LONG_MS);
    assert.deepEqual([world.leaders(), await world.alive()], [[leader], ['a', 'b']]);
    assert.deepEqual(world.linesOf('web'), ['a does web']);
    world.cut(leader ?? '');
    await world.pass(10_000);
    assert.deepEqual(world.leaders(), leader === 'a' ? ['b'] : ['a']);
  });
}

test('never do two servers lead at once, and one that is cut off leads no more', async () => {
  await using world = await SimulatedCluster.open(['a', 'b', 'c']);
  for (let turn = 0; turn < 6; turn++) {
    const [leader = ''] = world.leaders();
    world.cut(leader);
    for (let step = 0; step < 80; step++) {
      await world.pass(100);
      assert.ok(world.leaders().length <= 1, world.leaders().join());
    }
    assert.equal(world.leaders().length, 1);
    assert.notEqual(world.leaders()[0], leader);
    world.mend(leader);
  }
});

test('a server whose answers are lost, while it was taken for dead, comes back to what is its own', async () => {
  await using world = await SimulatedCluster.open(['a', 'b']);
  const { id } = await world.begin('a', 'web', LONG_MS);
  await world.pass(1000);
  // What it writes arrives, and it hears nothing of it.
  world.deafen('a', berthError('BERTH_STORE_UNREACHABLE', { store: 'db', reason: 'no answer' }));
  world.cut('a');
  await world.pass(10_000);
  world.mend('a');
  await world.pass(3000);
  world.deafen('a', undefined);
  await world.pass(2 * LONG_MS);
  assert.deepEqual(world.linesOf('web'), ['a does web', 'a leaves web', 'b does web']);
  assert.equal((await world.record(id))?.state, 'done');
  assert.equal((await world.begin('a', 'web', 1)).server, 'a');
});
