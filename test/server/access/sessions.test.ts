import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { makeCertificate, startNetRig } from './net-rig.ts';
import type { Answer, NetRig } from './net-rig.ts';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

async function login(rig: NetRig, token: string, ca?: string): Promise<Answer> {
  return rig.ask('POST', '/api/v1/login', {
    body: { token },
    ...(ca === undefined ? {} : { ca }),
  });
}

/** `name=value` of the cookie that an answer sets. */
function cookieIn({ headers }: Answer): string {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

test('a browser logs in with a token, and its cookie alone changes nothing', async () => {
  await using rig = await startNetRig();
  const token = await rig.token({ name: 'web', role: 'admin' });
  const entered = await login(rig, token);
  assert.equal(entered.status, 200);
  const set = entered.headers['set-cookie']?.[0] ?? '';
  assert.match(set, /^berth=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
  const csrf = String(entered.body['csrfToken']);
  const cookie = cookieIn(entered);
  const me = await rig.ask('GET', '/api/v1/whoami', { headers: { cookie } });
  assert.equal(me.body['actor'], 'web');
  assert.equal(me.body['csrfToken'], csrf);
  const body = { name: 'made', role: 'viewer' };
  const forged = await rig.ask('POST', '/api/v1/tokens', { headers: { cookie }, body });
  assert.equal(forged.body.code, 'BERTH_FORBIDDEN');
  const wrong = { cookie, 'x-csrf-token': `${csrf}x` };
  assert.equal((await rig.ask('POST', '/api/v1/tokens', { headers: wrong, body })).status, 403);
  const ours = { cookie, 'x-csrf-token': csrf };
  assert.equal((await rig.ask('POST', '/api/v1/tokens', { headers: ours, body })).status, 201);
  const out = await rig.ask('POST', '/api/v1/logout', { headers: ours });
  assert.equal(out.status, 204);
  assert.match(out.headers['set-cookie']?.[0] ?? '', /^berth=;.*Expires=Thu, 01 Jan 1970/);
  assert.equal((await rig.ask('GET', '/api/v1/whoami', { headers: { cookie } })).status, 401);
});

test('a session ends when it is idle, when it is old, and with its token', async () => {
  let now = Date.parse('2026-05-01T12:00:00Z');
  await using rig = await startNetRig({}, { now: () => now });
  const token = await rig.token({ name: 'web', role: 'viewer' });
  const status = async (cookie: string): Promise<number> =>
    (await rig.ask('GET', '/api/v1/whoami', { headers: { cookie } })).status;
  const idle = cookieIn(await login(rig, token));
  const busy = cookieIn(await login(rig, token));
  now += 3_599_000;
  assert.equal(await status(busy), 200);
  now += 1_000;
  assert.deepEqual([await status(idle), await status(busy)], [401, 200]);
  const begun = now - 3_600_000;
  while (now < begun + 11.5 * 3_600_000) {
    now += 1_800_000;
    assert.equal(await status(busy), 200);
  }
  now = begun + 12 * 3_600_000;
  assert.equal(await status(busy), 401);
  const last = cookieIn(await login(rig, token));
  await rig.owner.removeToken('web');
  assert.equal(await status(last), 401);
  assert.equal(await status('berth=invented'), 401);
});

test('pages of other sites can neither log a browser in nor open a console with its cookie', async () => {
  await using rig = await startNetRig();
  const token = await rig.token({ name: 'web', role: 'operator' });
  const { host } = new URL(rig.url);
  const elsewhere = await rig.ask('POST', '/api/v1/login', {
    body: { token },
    headers: { origin: 'https://evil.example' },
  });
  assert.equal(elsewhere.status, 403);
  const cookie = cookieIn(await login(rig, token));
  const upgrade = async (headers: Readonly<Record<string, string>>): Promise<number> => {
    const socket = new WebSocket(`ws://${host}/api/v1/vms/none/console`, { headers });
    socket.on('error', () => {}); // that `terminate` came before it was open
    const answer = await Promise.race([
      new Promise<number>((resolve) => {
        socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      }),
      new Promise<number>((resolve) => socket.on('open', () => resolve(101))),
    ]);
    socket.terminate();
    return answer;
  };
  assert.equal(await upgrade({ cookie, origin: 'https://evil.example' }), 403);
  assert.equal(await upgrade({ cookie }), 403);
  assert.equal(await upgrade({ cookie, origin: rig.url }), 101);
  assert.equal(await upgrade({ authorization: `Bearer ${token}` }), 101);
  assert.equal(await upgrade({}), 401);
});

test('over TLS the cookie is for TLS alone, and every answer says how it may be used', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-tls-'));
  try {
    const tls = await makeCertificate(folder, 'server');
    const ca = await readFile(tls.certificate, 'utf8');
    await using rig = await startNetRig({
      gates: { listen: ['127.0.0.1:0'], tls, isPlainAllowed: false },
    });
    const token = await rig.token({ name: 'web', role: 'viewer' });
    const entered = await login(rig, token, ca);
    const set = entered.headers['set-cookie']?.[0] ?? '';
    assert.match(set, /^__Host-berth=.*; Path=\/; HttpOnly; Secure; SameSite=Strict$/);
    const refused = await rig.ask('GET', '/api/v1/nothing', { ca });
    for (const { headers } of [entered, refused]) {
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/);
      assert.equal(headers['cache-control'], 'no-store');
      assert.match(String(headers['strict-transport-security']), /max-age/);
      assert.equal(headers['access-control-allow-origin'], undefined);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a proxy on this machine is believed only when that was said', async () => {
  for (const isProxied of [true, false]) {
    await using rig = await startNetRig({ isProxied });
    const headers = { 'x-forwarded-for': '6.6.6.6, 10.0.0.7', 'x-forwarded-proto': 'https' };
    const token = await rig.token({ name: 'web', role: 'viewer' });
    const entered = await rig.ask('POST', '/api/v1/login', { body: { token }, headers });
    const name = (entered.headers['set-cookie']?.[0] ?? '').split('=')[0];
    assert.equal(name, isProxied ? '__Host-berth' : 'berth');
    const { audit } = await rig.owner.audit({ action: 'login' });
    assert.equal(audit[0]?.address, isProxied ? '10.0.0.7' : '127.0.0.1');
  }
});

test('over TLS the cookie that anybody could set means nothing, nor does a page of plain HTTP', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-sessions-'));
  t.after(async () => rm(folder, { recursive: true }));
  const tls = await makeCertificate(folder, 'server');
  const ca = await readFile(tls.certificate, 'utf8');
  await using rig = await startNetRig({
    gates: { listen: ['127.0.0.1:0'], tls, isPlainAllowed: false },
  });
  const body = { token: await rig.token({ name: 'a', role: 'viewer' }) };
  const entered = await rig.ask('POST', '/api/v1/login', {
    body,
    ca,
    headers: { origin: rig.url },
  });
  const cookie = cookieIn(entered);
  assert.match(cookie, /^__Host-berth=/);
  const status = async (text: string): Promise<number> =>
    (await rig.ask('GET', '/api/v1/whoami', { ca, headers: { cookie: text } })).status;
  assert.deepEqual([await status(cookie), await status(cookie.replace('__Host-', ''))], [200, 401]);
  const headers = { origin: rig.url.replace('https', 'http') };
  assert.equal((await rig.ask('POST', '/api/v1/login', { body, ca, headers })).status, 403);
});
