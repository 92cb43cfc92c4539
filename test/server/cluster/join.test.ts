import assert from 'node:assert/strict';
import { test } from 'node:test';
import { berthError } from '../../../src/base/errors.ts';
import { Leadership } from '../../../src/server/cluster/leadership.ts';
import { Membership } from '../../../src/server/cluster/membership.ts';
import { Store } from '../../../src/store/store.ts';
import { quietPorts } from '../quiet-ports.ts';
import { until } from '../rig.ts';
import { gatedStore } from '../simulation/faulty-store.ts';

test('a server on a full disk starts, and takes over what was left once there is space', async () => {
  await using store = await Store.open(':memory:');
  await store.servers.beat('the one before');
  let isFull = true;
  const full = gatedStore(store, async (_call, _args, work) => {
    if (isFull) throw berthError('BERTH_DISK_FULL', { what: 'the journal', path: 'store.sqlite' });
    return work();
  });
  let attempts = 0;
  const sleep = async (): Promise<void> => {
    attempts++;
    await new Promise((resolve) => void setImmediate(resolve));
  };
  const ports = quietPorts({ sleep });
  const leadership = new Leadership(full.leases, 'a', ports);
  const taken: string[] = [];
  const membership = new Membership(full, 'a', leadership, ports, {
    takeOver: async () => void taken.push('all'),
    letGo: () => assert.fail('nobody else can take it over'),
    takeUp: async () => true,
    heed: async () => {},
  });
  await membership.join();
  assert.ok(leadership.isLeader);
  await until('it has tried again', async () => attempts > 2);
  assert.deepEqual(taken, []);
  isFull = false;
  await until('it has taken over', async () => taken.length > 0);
  assert.deepEqual(
    (await store.servers.list()).map(({ id }) => id),
    ['a'],
  );
  await membership.leave();
  assert.deepEqual([taken, await store.servers.list()], [['all'], []]);
});
