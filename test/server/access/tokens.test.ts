import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../rig.ts';
import { askServer, startNetRig } from './net-rig.ts';

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
  const entered = await rig.ask('GET', '/api/v1/vms', { token });
  assert.equal(entered.status, 200);
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

test('a token that is revoked or over is refused at once, and its last use is kept', async () => {
  let now = Date.parse('2026-05-01T12:00:00Z');
  await using rig = await startNetRig({}, { now: () => now });
  const revoked = await rig.token({ name: 'revoked', role: 'viewer' });
  const brief = await rig.token({ name: 'brief', role: 'viewer', expires: '1h' });
  const status = async (token: string): Promise<number> =>
    (await rig.ask('GET', '/api/v1/whoami', { token })).status;
  assert.deepEqual([await status(revoked), await status(brief)], [200, 200]);
  const used = async (name: string): Promise<number | undefined> =>
    (await rig.owner.tokens()).find((token) => token.name === name)?.usedAt;
  await until('a first use is written', async () => (await used('brief')) === now);
  const first = now;
  now += 30_000;
  await status(brief);
  assert.equal(await used('brief'), first);
  now += 60_000;
  await status(brief);
  await until('a later use is written', async () => (await used('brief')) === now);
  now = first + 3_600_000;
  assert.equal(await status(brief), 401);
  await rig.owner.removeToken('revoked');
  assert.equal(await status(revoked), 401);
  await assert.rejects(rig.owner.removeToken('revoked'), /no token named "revoked"/);
});

test('streams that a token opened end when it is revoked', async () => {
  await using rig = await startNetRig();
  const token = await rig.token({ name: 'ci', role: 'viewer' });
  const other = await rig.token({ name: 'other', role: 'viewer' });
  const open = async (bearer: string): Promise<IncomingMessage> => {
    const call = request(`${rig.url}/api/v1/events`, {
      headers: { authorization: `Bearer ${bearer}` },
      agent: false,
    });
    call.end();
    const [stream] = (await once(call, 'response')) as [IncomingMessage];
    return stream.on('error', () => {}).resume();
  };
  const [ended, lasting] = [await open(token), await open(other)];
  const closed = new Promise((resolve) => ended.on('close', resolve));
  await rig.owner.removeToken('ci');
  await closed;
  assert.ok(!lasting.closed);
  lasting.destroy();
});

test('streams end with the time of their token, and with one that another server revoked', async () => {
  let ahead = 0;
  let look: (() => void) | undefined;
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (ms === 15_000) look = resolve;
      else setTimeout(resolve, ms).unref();
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });
  await using rig = await startNetRig({}, { sleep, now: () => Date.now() + ahead });
  const token = await rig.token({ name: 'brief', role: 'viewer', expires: '1h' });
  const headers = { authorization: `Bearer ${token}` };
  const call = request(`${rig.url}/api/v1/events`, { headers, agent: false });
  call.end();
  const [stream] = (await once(call, 'response')) as [IncomingMessage];
  const closed = new Promise((resolve) => stream.on('close', resolve));
  stream.on('error', () => {}).resume();
  ahead = 3_600_000;
  const looking = setInterval(() => look?.(), 20);
  await closed;
  clearInterval(looking);
});

test('names, roles, scopes and ends of tokens are checked', async () => {
  await using rig = await startNetRig();
  const wrong = [
    { name: 'owner', role: 'viewer' },
    { name: '../x', role: 'viewer' },
    { name: 'a', role: 'root' },
    { name: 'a', role: 'viewer', scope: '' },
    { name: 'a', role: 'viewer', scope: 'a b' },
    { name: 'a', role: 'viewer', expires: '0d' },
    { name: 'a', role: 'viewer', expires: '9999d' },
    { name: 'a', role: 'viewer', colour: 'red' },
  ];
  const token = await rig.token({ name: 'a', role: 'admin' });
  for (const body of wrong) {
    const { status } = await rig.ask('POST', '/api/v1/tokens', { token, body });
    assert.equal(status, 400, JSON.stringify(body));
  }
  const again = await rig.ask('POST', '/api/v1/tokens', {
    token,
    body: { name: 'a', role: 'viewer' },
  });
  assert.equal(again.body.code, 'BERTH_EXISTS');
});

test('a wrong secret and a token that never was get the same answer', async () => {
  await using rig = await startNetRig();
  const token = await rig.token({ name: 'ci', role: 'viewer' });
  const answers = [
    `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`,
    token.replace(/^berth_[0-9a-f]{16}/, 'berth_0123456789abcdef'),
    'nonsense',
    `${token}x`,
  ].map(async (wrong) => {
    const { status, text } = await rig.ask('GET', '/api/v1/vms', { token: wrong });
    return { status, text: text.replace(/urn:berth:request:[^"]*/, '') };
  });
  const [first, ...others] = await Promise.all(answers);
  assert.equal(first?.status, 401);
  for (const other of others) assert.deepEqual(other, first);
});

test('who fails too often waits, but a right token opens, used before or not', async () => {
  let now = Date.parse('2026-05-01T12:00:00Z');
  await using rig = await startNetRig({}, { now: () => now });
  const known = await rig.token({ name: 'known', role: 'viewer' });
  const fresh = await rig.token({ name: 'fresh', role: 'viewer' });
  const status = async (token: string): Promise<number> =>
    (await rig.ask('GET', '/api/v1/whoami', { token })).status;
  assert.equal(await status(known), 200);
  const statuses: number[] = [];
  for (let attempt = 0; attempt < 12; attempt++) statuses.push(await status(`wrong${attempt}`));
  assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 401), 429, 429]);
  const wrong = `${known.slice(0, -2)}${known.endsWith('AA') ? 'BB' : 'AA'}`;
  for (const token of [
    wrong,
    'nonsense',
    fresh.replace(/^berth_.{16}/, 'berth_0123456789abcdef'),
  ]) {
    const limited = await rig.ask('GET', '/api/v1/whoami', { token });
    assert.equal(limited.body.code, 'BERTH_RATE_LIMITED');
    assert.equal(limited.headers['retry-after'], '6');
    const login = await rig.ask('POST', '/api/v1/login', { body: { token } });
    assert.equal(login.status, 429);
  }
  for (const token of [known, fresh, known]) assert.equal(await status(token), 200);
  assert.equal(await status('wrong'), 429, 'what is right gives no attempts back');
  now += 60_000;
  const wrongs = Array.from({ length: 30 }, async () => status(wrong));
  const answers = await Promise.all([...wrongs, status(fresh)]);
  assert.equal(answers.pop(), 200);
  assert.ok(answers.filter((each) => each === 401).length <= 10, 'also of many at once');
});

test('whoever is nobody yet has no idempotency key, and a new token none of an old one', async () => {
  await using rig = await startNetRig();
  const body = {
    apiVersion: 'berth/v1',
    kind: 'VM',
    metadata: { name: 'a' },
    spec: { memory: { size: '64MiB' } },
  };
  const headers = { 'idempotency-key': 'deploy' };
  const first = await askServer(rig.url, 'POST', '/api/v1/vms', { body, headers }, rig.socket);
  assert.equal(first.status, 202);
  const login = await rig.ask('POST', '/api/v1/login', { body: { token: 'x' }, headers });
  assert.equal(login.body.code, 'BERTH_UNAUTHENTICATED');
  const large = await rig.ask('POST', '/api/v1/login', { body: { token: 'x'.repeat(5000) } });
  assert.deepEqual(
    [large.body.code, (large.body['data'] as { max: number }).max],
    ['BERTH_TOO_LARGE', 4096],
  );
  const described = await rig.ask('GET', '/api/v1/openapi.json');
  assert.equal(described.body['openapi'], '3.1.0');
  const ids = new Set([first.body['id']]);
  for (let round = 0; round < 2; round++) {
    const token = await rig.token({ name: 'ci', role: 'operator' });
    await until('the VM is free', async () => {
      const { status, body: made } = await rig.ask('POST', '/api/v1/vms', { token, body, headers });
      ids.add(status === 202 ? made['id'] : undefined);
      return status === 202;
    });
    await rig.owner.removeToken('ci');
  }
  ids.delete(undefined);
  assert.equal(ids.size, 3);
});
