import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { startNamespaceHost } from '../../../src/lab/private-host/namespace-host.ts';
import type { PrivateHost } from '../../../src/lab/private-host/private-host.ts';
import { dropLabFolder, labFolder, labSkip } from '../../lab/lab-host.ts';
import { startRig } from '../rig.ts';

const skip = await labSkip();
const HOSTS = 10;
/** Three seconds on two cores: each daemon asks QEMU what it can when it is first connected to. */
const ADDED_MS_MAX = 20_000;
/** Below a second where the daemons have been asked before. */
const AGAIN_MS_MAX = 5000;

const hosts: PrivateHost[] = [];

before(async () => {
  if (skip !== false) return;
  const starting = Array.from({ length: HOSTS }, async (_, index) => {
    const dir = await labFolder();
    const options = { dir, name: `many-${index}`, hideKvm: true, endsWithCaller: true };
    return startNamespaceHost(options);
  });
  hosts.push(...(await Promise.all(starting)));
});

after(async () => {
  await Promise.all(hosts.map(async ({ dir }) => dropLabFolder(dir)));
});

test('ten hosts are added at once, and removed at once', { skip }, async (context) => {
  await using rig = await startRig();
  const { client } = rig;
  const addAll = async (how: string, mostMs: number): Promise<void> => {
    const since = performance.now();
    await Promise.all(hosts.map(async ({ name, uri }) => client.addHost({ name, uri })));
    const ms = performance.now() - since;
    context.diagnostic(`${how} in ${Math.round(ms)} ms`);
    assert.ok(ms < mostMs, how);
  };
  await addAll('added', ADDED_MS_MAX);
  const listed = await client.hosts();
  assert.deepEqual(
    listed.map(({ name, state }) => [name, state]),
    ['h1', ...hosts.map(({ name }) => name)].map((name) => [name, 'connected']),
  );
  const removeAll = async () => Promise.all(hosts.map(async ({ name }) => client.removeHost(name)));
  await removeAll();
  assert.deepEqual(
    (await client.hosts()).map(({ name }) => name),
    ['h1'],
  );
  await addAll('added again', AGAIN_MS_MAX);
  await removeAll();
});

test('a host that does not answer holds up no other that is added', { skip }, async () => {
  await using rig = await startRig();
  const { client } = rig;
  const path = join(rig.home, 'mute.sock');
  const connected = Promise.withResolvers<void>();
  const mute = createServer(() => connected.resolve());
  await new Promise<void>((resolve) => mute.listen(path, resolve));
  const ended: string[] = [];
  const silent = client
    .addHost({ name: 'mute', uri: `qemu:///system?socket=${path}` })
    .catch((error: unknown) => {
      ended.push('mute');
      assert.ok(isBerthError(error) && error.exit === 5, String(error));
    });
  await connected.promise;
  await Promise.all(
    hosts.slice(0, 3).map(async ({ name, uri }) => {
      await client.addHost({ name, uri });
      ended.push('other');
    }),
  );
  assert.deepEqual(ended, ['other', 'other', 'other']);
  await silent;
  assert.equal((await client.hosts()).length, 4, 'nothing is kept of the silent one');
  mute.close();
});

test('of one host added at once by two names or two ways, one stays', { skip }, async () => {
  await using rig = await startRig();
  const { client } = rig;
  const uri = hosts[0]?.uri ?? '';
  const ways = [
    { name: 'a', uri },
    { name: 'b', uri },
    { name: 'c', uri: `${uri}&no_verify=1` },
  ];
  const results = await Promise.allSettled(ways.map(async (way) => client.addHost(way)));
  const refused = results.filter((result) => result.status === 'rejected');
  assert.equal(refused.length, 2);
  assert.ok(refused.every(({ reason }) => isBerthError(reason, 'BERTH_EXISTS')));
  assert.equal((await client.hosts()).length, 2);
});
