import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isBerthError } from '../../src/base/errors.ts';
import type { Placement } from '../../src/model/placement.ts';
import type { OperationRecord } from '../../src/store/operations.ts';
import { Store } from '../../src/store/store.ts';
import { onBothStores } from './both-stores.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'berth-store-'));
  t.after(async () => rm(path, { recursive: true }));
  return path;
}

const placement: Placement = {
  host: 'h1',
  policy: 'dedicated',
  cells: [0],
  vcpus: [{ vcpu: 0, pcpus: [1] }],
  emulator: [1],
  blocked: [],
  memory: [{ cell: 0, bytes: 1024, pageKiB: 4 }],
  memoryMode: 'strict',
  guestCells: [],
  guestTopology: { sockets: 1, dies: 1, cores: 1, threads: 1 },
  overheadBytes: 1,
  reasons: [],
};
const allow = (): void => {};
const claim = (vm: string) => ({ vm, uuid: `uuid-${vm}`, placement, operation: 'o' });

onBothStores('of two claims made on the same generation one is lost', async (open) => {
  await using store = await open();
  await store.hosts.add({ name: 'h1', uri: 'qemu:///system', addedAt: 1 });
  const [host] = await store.hosts.list();
  const results = await Promise.all([
    store.claims.take(claim('a'), host?.generation ?? -1),
    store.claims.take(claim('b'), host?.generation ?? -1),
  ]);
  // PostgreSQL takes them on two connections: either may come first.
  assert.deepEqual(results.toSorted(), [false, true]);
  assert.deepEqual(await store.claims.list(), [claim(results[0] ? 'a' : 'b')]);
});

onBothStores(
  'a claim keeps the labels of its VM, whom that keeps away, and when it is to end',
  async (open) => {
    await using store = await open();
    await store.hosts.add({ name: 'h1', uri: 'qemu:///system', addedAt: 1 });
    const keepsAway = [{ selector: 'app=db', over: 'host' }];
    const labelled = { ...claim('a'), labels: { app: 'db' }, keepsAway, expectedEnd: 7 };
    assert.ok(await store.claims.take(labelled, 0));
    assert.deepEqual(await store.claims.list(), [labelled]);
  },
);

onBothStores(
  'giving a place back lets a claim on the newer generation through, and only that',
  async (open) => {
    await using store = await open();
    await store.hosts.add({ name: 'h1', uri: 'qemu:///system', addedAt: 1 });
    assert.ok(await store.claims.take(claim('a'), 0));
    assert.deepEqual(await store.claims.release('uuid-a'), { host: 'h1', generation: 2 });
    assert.equal(await store.claims.release('uuid-a'), undefined);
    assert.ok(!(await store.claims.take(claim('b'), 1)));
    assert.ok(await store.claims.take(claim('b'), 2));
  },
);

onBothStores('a claim is left behind when no operation works on its VM', async (open) => {
  await using store = await open();
  await store.hosts.add({ name: 'h1', uri: 'qemu:///system', addedAt: 1 });
  await store.claims.take(claim('a'), 0);
  await store.claims.take(claim('b'), 1);
  const working = {
    id: 'o1',
    kind: 'create',
    vm: 'a',
    vmUuid: 'uuid-a',
    state: 'running',
  } as const;
  const begun = { ...working, steps: [], done: 0, memory: {}, revision: 1, startedAt: 1 };
  await store.operations.begin(begun);
  assert.deepEqual(
    (await store.claims.releaseLeft()).map(({ vm, host }) => [vm, host]),
    [['b', 'h1']],
  );
  assert.deepEqual([await store.claims.releaseLeft(), await store.hosts.generation('h1')], [[], 3]);
  await store.operations.write({ ...begun, state: 'done', revision: 2 });
  assert.equal((await store.claims.releaseLeft()).length, 1);
  assert.deepEqual(await store.claims.list(), []);
});

onBothStores(
  'a host goes with its claims only by force, and no place on it can be claimed after',
  async (open) => {
    await using store = await open();
    await store.hosts.add({ name: 'h1', uri: 'qemu:///system', addedAt: 1 });
    await store.hosts.add({ name: 'h2', uri: 'qemu:///session', addedAt: 1 });
    assert.ok(await store.claims.take(claim('a'), 0));
    assert.deepEqual(await store.hosts.remove('h1', { force: false }, allow), ['a']);
    assert.equal((await store.hosts.list()).length, 2);
    assert.deepEqual(await store.hosts.remove('h1', { force: true }, allow), []);
    assert.deepEqual(
      [(await store.hosts.list()).map(({ name }) => name), await store.claims.list()],
      [['h2'], []],
    );
    assert.ok(!(await store.claims.take(claim('b'), 1)));
    assert.deepEqual(
      await store.hosts.remove('h1', { force: false }, allow),
      [],
      'again is no error',
    );
  },
);

onBothStores(
  'a host that is refused to go at last is as it was, generation and claims and all',
  async (open) => {
    await using store = await open();
    await store.hosts.add({ name: 'h1', uri: 'qemu:///system', addedAt: 1 });
    await store.claims.take(claim('b'), 0);
    await store.claims.release('uuid-b');
    await store.claims.take(claim('a'), 2);
    const before = [await store.hosts.list(), await store.claims.list()];
    const refuse = (): void => {
      throw new Error('it is in use');
    };
    await assert.rejects(store.hosts.remove('h1', { force: true }, refuse), /it is in use/);
    assert.deepEqual([await store.hosts.list(), await store.claims.list()], before);
    assert.ok(!(await store.claims.take(claim('c'), 0)), 'an old generation does not fit again');
  },
);

test('what was written is there after the store was opened again', async (t) => {
  const path = join(await folder(t), 'store.sqlite');
  const record: OperationRecord = {
    id: 'o1',
    kind: 'create',
    vm: 'a',
    vmUuid: 'u',
    state: 'running',
    steps: ['one', 'two'],
    done: 1,
    memory: { volumes: ['/x'] },
    revision: 3,
    startedAt: 1_700_000_000_000,
  };
  {
    await using store = await Store.open(path);
    await store.operations.begin({ ...record, done: 0, revision: 2 });
    await store.operations.write(record);
  }
  await using again = await Store.open(path);
  assert.deepEqual(await again.operations.unfinished(), [record]);
  assert.deepEqual(await again.operations.last('a', 'create'), record);
  assert.equal(await again.operations.get('other'), undefined);
});

onBothStores('a host that is registered again stays as it is', async (open) => {
  await using store = await open();
  const host = { name: 'h1', uri: 'qemu:///system', addedAt: 1, labels: { rack: 'a' } };
  await store.hosts.add(host);
  await store.claims.take(claim('a'), 0);
  const again = await store.hosts.add({ ...host, addedAt: 2, labels: {} });
  assert.deepEqual([again.generation, again.labels], [1, { rack: 'a' }]);
});

onBothStores(
  'a name, a URI and a libvirt belong to one host, and a second one is told whose they are',
  async (open) => {
    await using store = await open();
    const host = { name: 'h1', uri: 'qemu+ssh://a/system', addedAt: 1, identity: 'one' };
    await store.hosts.add(host);
    const refused = async (
      change: Partial<typeof host>,
      words: string,
      hint: string,
    ): Promise<void> =>
      assert.rejects(
        store.hosts.add({ ...host, identity: 'two', ...change }),
        (error) =>
          isBerthError(error, 'BERTH_EXISTS') &&
          error.message.includes(words) &&
          error.hint.includes(hint),
      );
    await refused(
      { uri: 'qemu+ssh://b/system' },
      'with the URI qemu+ssh://a/system',
      'another name',
    );
    await refused({ name: 'h2' }, 'under the name "h1"', 'of host h1');
    const sameLibvirt = { name: 'h2', uri: 'qemu+tls://a/system', identity: 'one' };
    await refused(sameLibvirt, 'as "h1", which is reached by qemu+ssh://a/system', 'of host h1');
    assert.equal((await store.hosts.list()).length, 1);
  },
);

onBothStores(
  'a host that comes back under its name has a generation that none had before',
  async (open) => {
    await using store = await open();
    const host = { name: 'h1', uri: 'qemu:///system', addedAt: 1 };
    for (const generation of [0, 2, 4]) {
      assert.equal((await store.hosts.add(host)).generation, generation);
      assert.ok(await store.claims.take(claim('a'), generation));
      await store.hosts.remove('h1', { force: true }, allow);
    }
  },
);

test('a damaged file and a folder that is not there are refused with the path', async (t) => {
  const path = join(await folder(t), 'store.sqlite');
  await writeFile(path, 'this is no database, and long enough to be read as a header of one');
  for (const bad of [path, join(path, 'below', 'a-file')]) {
    await assert.rejects(
      Store.open(bad),
      (error) => isBerthError(error, 'BERTH_STORE') && error.message.includes(bad),
    );
  }
});

test('a store that a server has open is refused to a second one, and free when it has ended', async (t) => {
  const path = join(await folder(t), 'store.sqlite');
  {
    await using first = await Store.open(path);
    await first.hosts.add({ name: 'h1', uri: 'qemu:///system', addedAt: 1 });
    await assert.rejects(Store.open(path), (error) => isBerthError(error, 'BERTH_BUSY'));
  }
  await using second = await Store.open(path);
  assert.equal((await second.hosts.list()).length, 1);
});

test('what is asked of a closed store fails, and fails again instead of waiting', async () => {
  const store = await Store.open(':memory:');
  await store[Symbol.asyncDispose]();
  await assert.rejects(store.hosts.list());
  await assert.rejects(store.hosts.list());
});

const skip = process.getuid?.() === 0 ? false : 'needs: root';
test(
  'a full disk refuses claims and journal by name, and works again after',
  { skip },
  async (t) => {
    const dir = await folder(t);
    const script = fileURLToPath(new URL('on-full-disk.ts', import.meta.url));
    const command = ['--mount', process.execPath, script, dir];
    const { stdout } = await promisify(execFile)('unshare', command);
    assert.deepEqual(JSON.parse(stdout), {
      put: 'BERTH_DISK_FULL',
      take: 'BERTH_DISK_FULL',
      claimsThen: 0,
      after: 'it worked',
    });
  },
);
