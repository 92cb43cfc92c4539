import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { startNetRig } from './net-rig.ts';

test('over the network nobody is let in without a token, and the owner’s socket needs none', async () => {
  await using rig = await startNetRig();
  const nobody = await rig.ask('GET', '/api/v1/vms');
  assert.equal(nobody.status, 401);
  assert.equal(nobody.body.code, 'BERTH_UNAUTHENTICATED');
  assert.equal(nobody.headers['www-authenticate'], 'Bearer');
  assert.equal((await rig.ask('GET', '/api/v1/nothing')).status, 401);
  assert.deepEqual(await rig.owner.vms(), []);
  const token = await rig.token({ name: 'ci', role: 'viewer' });
  assert.match(token, /^berth_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/);
  const let_in = await rig.ask('GET', '/api/v1/vms', { token });
  assert.equal(let_in.status, 200);
  assert.equal((await rig.ask('GET', '/api/v1/nothing', { token })).status, 404);
  const me = await rig.ask('GET', '/api/v1/whoami', { token });
  assert.deepEqual(me.body, { actor: 'ci', role: 'viewer' });
});

test('a token is shown once, and only a hash of its secret is kept', async () => {
  await using rig = await startNetRig();
  const token = await rig.token({ name: 'ci', role: 'admin' });
  const [, , secret = ''] = /^berth_([0-9a-f]+)_(.*)$/.exec(token) ?? [];
  const list = await rig.ask('GET', '/api/v1/tokens', { token });
  assert.equal(list.status, 200);
  assert.doesNotMatch(list.text, new RegExp(secret));
  for (const file of ['store.sqlite', 'store.sqlite-wal']) {
    const bytes = await readFile(join(rig.home, file)).catch(() => Buffer.alloc(0));
    assert.ok(!bytes.includes(secret), file);
  }
});
