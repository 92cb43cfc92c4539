import assert from 'node:assert/strict';
import { isBerthError } from '../../src/base/errors.ts';
import type { OperationRecord } from '../../src/store/operations.ts';
import { onBothStores } from './both-stores.ts';

function record(id: string, change: Partial<OperationRecord> = {}): OperationRecord {
  return {
    id,
    kind: 'create',
    vm: `vm-${id}`,
    vmUuid: `uuid-${id}`,
    state: 'running',
    steps: ['one', 'two'],
    done: 0,
    memory: { seen: [] },
    revision: 1,
    startedAt: 1_700_000_000_000,
    server: 's1',
    ...change,
  };
}

function isFenced(error: unknown): boolean {
  return isBerthError(error, 'BERTH_FENCED');
}

onBothStores('everything of an operation is read as it was written', async (open) => {
  await using store = await open();
  const whole = record('o1', {
    host: 'h1',
    actor: 'ci',
    waitsFor: 'host h1',
    progress: { fraction: 0.5, say: 'half' },
    error: { code: 'BERTH_INTERNAL' },
  });
  assert.equal(await store.operations.begin(whole), undefined);
  assert.deepEqual(await store.operations.get('o1'), whole);
  const ended = {
    ...record('o1'),
    state: 'done',
    revision: 2,
    endedAt: 1_700_000_000_500,
  } as const;
  await store.operations.write({ ...ended, host: 'h1', actor: 'ci' });
  assert.deepEqual(await store.operations.get('o1'), { ...ended, host: 'h1', actor: 'ci' });
});

onBothStores('one operation at a time works on a VM; the one in the way is named', async (open) => {
  await using store = await open();
  await store.operations.begin(record('o1', { vm: 'web' }));
  const other = await store.operations.begin(record('o2', { vm: 'web' }));
  assert.equal(other?.id, 'o1');
  await store.operations.write(record('o1', { vm: 'web', state: 'failed', revision: 2 }));
  assert.equal(await store.operations.begin(record('o2', { vm: 'web' })), undefined);
});

onBothStores(
  'a write that is sent again changes nothing, and an old one comes too late',
  async (open) => {
    await using store = await open();
    await store.operations.begin(record('o1'));
    const second = record('o1', { done: 1, revision: 2 });
    await store.operations.write(second);
    await store.operations.write(second);
    await store.operations.tell(record('o1', { revision: 2, waitsFor: 'too late' }));
    assert.deepEqual(await store.operations.get('o1'), second);
  },
);

onBothStores('a write that the database has lost is taken up again', async (open) => {
  await using store = await open();
  const third = record('o1', { done: 1, revision: 3 });
  await store.operations.write(third);
  assert.deepEqual(await store.operations.get('o1'), third);
});

onBothStores('what was taken over from a dead server only its new one can write', async (open) => {
  await using store = await open();
  await store.servers.beat('s1');
  await store.servers.beat('s2');
  await store.operations.begin(record('o1'));
  assert.deepEqual(await store.operations.orphaned(), []);
  assert.equal(await store.operations.takeOver('o1', 's2'), undefined, 's1 is alive');
  await store.servers.leave('s1');
  assert.deepEqual(
    (await store.operations.orphaned()).map(({ id }) => id),
    ['o1'],
  );
  const taken = await store.operations.takeOver('o1', 's2');
  assert.deepEqual([taken?.server, taken?.revision], ['s2', 2]);
  assert.equal(await store.operations.takeOver('o1', 's3'), undefined, 's2 was faster');
  await assert.rejects(store.operations.write(record('o1', { revision: 9 })), isFenced);
  await store.operations.write(record('o1', { server: 's2', epoch: 1, revision: 3 }));
});

onBothStores(
  'an operation is asked to be cancelled once, and not when it has ended',
  async (open) => {
    await using store = await open();
    await store.operations.begin(record('o1'));
    assert.ok(await store.operations.askCancel('o1', 5));
    assert.ok(await store.operations.askCancel('o1', 6));
    assert.equal((await store.operations.get('o1'))?.cancelAt, 5);
    assert.deepEqual(await store.operations.cancelled('s1'), ['o1']);
    assert.deepEqual(await store.operations.cancelled('s2'), []);
    await store.operations.write(record('o1', { state: 'undone', revision: 2 }));
    assert.ok(!(await store.operations.askCancel('o1', 7)));
    assert.deepEqual(await store.operations.cancelled('s1'), []);
  },
);

onBothStores('a listing shows what is asked for, the newest first, page by page', async (open) => {
  await using store = await open();
  for (const [id, host, kind, startedAt] of [
    ['o1', 'h1', 'create', 1],
    ['o2', 'h2', 'create', 2],
    ['o3', 'h1', 'stop', 2],
    ['o4', 'h1', 'create', 3],
  ] as const) {
    await store.operations.begin(record(id, { host, kind, startedAt }));
  }
  const ids = async (...args: Parameters<typeof store.operations.list>) =>
    (await store.operations.list(...args)).map(({ id }) => id);
  assert.deepEqual(await ids(2), ['o4', 'o3']);
  assert.deepEqual(await ids(9, { startedAt: 2, id: 'o3' }), ['o2', 'o1']);
  assert.deepEqual(await ids(9, undefined, { host: 'h1', kinds: ['create'] }), ['o4', 'o1']);
  assert.deepEqual(await ids(9, undefined, { vm: 'vm-o2' }), ['o2']);
  assert.deepEqual(await ids(9, undefined, { states: ['done'] }), []);
});

onBothStores(
  'old operations are forgotten but for the newest, and never one at work',
  async (open) => {
    await using store = await open();
    for (const id of ['o1', 'o2', 'o3', 'o4']) {
      const startedAt = Number(id.slice(1));
      await store.operations.begin(record(id, { startedAt }));
      if (id === 'o1') continue;
      await store.operations.write(
        record(id, { startedAt, state: 'done', revision: 2, endedAt: 10 }),
      );
    }
    assert.equal(await store.operations.prune(Date.now(), 1), 0, 'they are not old enough');
    assert.equal(await store.operations.prune(60_000, 1), 2);
    assert.deepEqual(
      (await store.operations.list(9)).map(({ id }) => id),
      ['o4', 'o1'],
    );
  },
);

onBothStores('a host is kept while an operation of any server works on it', async (open) => {
  await using store = await open();
  await store.hosts.add({ name: 'h1', uri: 'qemu:///system', addedAt: 1 });
  await store.operations.begin(record('o1', { host: 'h1' }));
  assert.deepEqual(await store.hosts.remove('h1', { force: false }, () => {}), ['vm-o1']);
  assert.deepEqual(await store.hosts.remove('h1', { force: true }, () => {}), []);
});

onBothStores('a lease changes hands when nobody has touched it, in a new term', async (open) => {
  await using store = await open();
  const { leases } = store;
  const name = 'background';
  assert.equal(await leases.take(name, 's1', await leases.get(name)), 1);
  assert.equal(await leases.take(name, 's2', undefined), undefined, 's1 was faster');
  const seen = await leases.get(name);
  assert.equal(await leases.take(name, 's1', seen), 1, 'its own is made longer');
  assert.equal(await leases.take(name, 's2', seen), undefined, 's1 is alive');
  await leases.release(name, 's2'); // not its own
  assert.equal((await leases.get(name))?.server, 's1');
  await leases.release(name, 's1');
  const free = await leases.get(name);
  assert.equal(free?.server, undefined);
  assert.equal(await leases.take(name, 's2', free), 2);
  assert.equal(await leases.take(name, 's1', await leases.get(name)), 3, 's2 has fallen silent');
});

onBothStores('servers that fall silent are taken off, and find that out', async (open) => {
  await using store = await open();
  const { servers } = store;
  assert.equal(await servers.beat('s1'), false);
  assert.equal(await servers.beat('s1'), true);
  const [seen] = await servers.list();
  assert.deepEqual([seen?.id, seen?.beat], ['s1', 2]);
  assert.ok(seen);
  await servers.beat('s1');
  assert.equal(await servers.bury(seen), false, 'it has said since that it is alive');
  assert.equal(await servers.bury({ ...seen, beat: 3 }), true);
  assert.equal(await servers.beat('s1'), false);
});

onBothStores('a server cannot write what it was at before an operation came back', async (open) => {
  await using store = await open();
  const { servers, operations } = store;
  await servers.beat('s1');
  await operations.begin(record('o1'));
  await servers.leave('s1');
  await servers.beat('s2');
  await operations.takeOver('o1', 's2');
  await servers.leave('s2');
  await servers.beat('s1');
  const back = await operations.takeOver('o1', 's1');
  assert.deepEqual([back?.server, back?.epoch], ['s1', 2]);
  const late = record('o1', { done: 1, revision: 9, state: 'done' });
  await assert.rejects(operations.write(late), isFenced);
  await operations.tell({ ...late, waitsFor: 'too late' });
  await operations.retract(late);
  assert.deepEqual(await operations.get('o1'), back);
  assert.deepEqual(await operations.ofServer('s1'), [back]);
});

onBothStores(
  'a key is held until its last request is answered, and for what begins',
  async (open) => {
    await using store = await open();
    const { requests, operations } = store;
    const asked = { actor: 'ci', key: 'k', fingerprint: 'one', operation: 'o1' };
    const other = { ...asked, fingerprint: 'other', operation: 'o2' };
    assert.deepEqual(await requests.hold(asked), asked);
    assert.deepEqual(await requests.hold({ ...asked, operation: 'o3' }), asked);
    await requests.letGo(asked);
    assert.deepEqual(await requests.hold(other), asked, 'its like is still being answered');
    await requests.letGo(asked);
    assert.deepEqual(await requests.hold(other), other, 'it is free');
    await operations.begin(record('o2'));
    await requests.letGo(other);
    assert.deepEqual(await requests.hold(asked), other, 'it stands for what has begun');
    await requests.letGo(other);
    await requests.prune(60_000);
    assert.deepEqual(await requests.hold(asked), other, 'it is not old enough');
    await requests.prune(-60_000);
    assert.deepEqual(await requests.hold(asked), asked);
  },
);
