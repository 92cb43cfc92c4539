import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { ask, startBareServer } from './bare-server.ts';
import type { Asked } from './bare-server.ts';
import { Fleet } from '../../../src/server/fleet/fleet.ts';
import { readinessOf } from '../../../src/server/services/readiness.ts';
import { Store } from '../../../src/store/store.ts';
import { quietPorts } from '../quiet-ports.ts';

test('wrong paths, methods, types and values are told apart, each with its code', async () => {
  await using server = await startBareServer();
  const plain = { 'content-type': 'text/plain' };
  const json = { 'content-type': 'application/json' };
  const url = '/api/v1/vms';
  const cases: readonly (readonly [Asked, status: number, code: string])[] = [
    [{ url: '/nothing' }, 404, 'BERTH_NOT_FOUND'],
    [{ url: '/api/v2/vms' }, 404, 'BERTH_NOT_FOUND'],
    [{ url: `${url}/` }, 404, 'BERTH_NOT_FOUND'],
    [{ method: 'PATCH', url }, 405, 'BERTH_METHOD'],
    [{ method: 'DELETE', url: '/api/v1/operations/x' }, 405, 'BERTH_METHOD'],
    [{ method: 'POST', url: '/api/v1/events' }, 405, 'BERTH_METHOD'],
    [{ method: 'POST', url, payload: 'x', headers: plain }, 415, 'BERTH_MEDIA_TYPE'],
    [
      { method: 'POST', url, payload: 'x'.repeat(5 * 1024 * 1024), headers: json },
      413,
      'BERTH_TOO_LARGE',
    ],
    [{ method: 'POST', url, payload: '{', headers: json }, 400, 'BERTH_USAGE'],
    [{ method: 'POST', url, payload: '[]', headers: json }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?limit=0` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?limit=10001` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?limit=1.5` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?limit=ten` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?limit=1&limit=2` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?cursor=${'x'.repeat(4096)}` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?cursor=e30` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?lables=app` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?labels=${encodeURIComponent('app=a b=c,,')}` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?state=happy` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?managed=perhaps` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: `${url}?sort=uuid` }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: '/api/v1/hosts?cursor=W10' }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: '/api/v1/operations?cursor=W10' }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: '/api/v1/events?kind=weather' }, 400, 'BERTH_SPEC_INVALID'],
    [{ url: '/api/v1/events?labels==' }, 400, 'BERTH_SPEC_INVALID'],
  ];
  for (const [asked, status, code] of cases) {
    const what = `${asked.method ?? 'GET'} ${asked.url}`.slice(0, 80);
    const answer = await ask(server, asked);
    assert.deepEqual([answer.status, answer.body['code']], [status, code], what);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/, what);
    assert.equal(
      answer.body['instance'],
      `urn:berth:request:${String(answer.headers['x-request-id'])}`,
      what,
    );
  }
});

test('a path tells its methods, and HEAD answers as GET without a body', async () => {
  await using server = await startBareServer();
  const options = await ask(server, { method: 'OPTIONS', url: '/api/v1/vms/any' });
  assert.equal(options.status, 204);
  for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS']) {
    assert.ok(String(options.headers['allow']).split(', ').includes(method), method);
  }
  const refused = await ask(server, { method: 'GET', url: '/api/v1/plan' });
  assert.equal(refused.headers['allow'], 'POST, OPTIONS');
  const endless = await ask(server, { method: 'HEAD', url: '/api/v1/events' });
  assert.deepEqual([endless.status, endless.headers['allow']], [405, 'GET, OPTIONS']);
  const get = await ask(server, { url: '/api/v1/vms' });
  const head = await ask(server, { method: 'HEAD', url: '/api/v1/vms' });
  assert.deepEqual([head.status, head.headers['etag']], [200, get.headers['etag']]);
  assert.deepEqual(head.body, {});
});

test('an answer that the client has already is not sent again', async () => {
  await using server = await startBareServer();
  const first = await ask(server, { url: '/api/v1/hosts' });
  const etag = String(first.headers['etag']);
  assert.match(etag, /^"[\w-]{27}"$/);
  for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
    const again = await ask(server, { url: '/api/v1/hosts', headers: { 'if-none-match': known } });
    assert.deepEqual([again.status, again.headers['etag'], again.body], [304, etag, {}], known);
  }
  const other = await ask(server, {
    url: '/api/v1/hosts',
    headers: { 'if-none-match': '"other"' },
  });
  assert.equal(other.status, 200);
  const error = await ask(server, { url: '/api/v1/vms/none', headers: { 'if-none-match': '*' } });
  assert.equal(error.status, 404);
});

test('a request keeps the id that it brings, if that can stand in a log', async () => {
  const lines: object[] = [];
  const info = (facts: object): void => void lines.push(facts);
  await using server = await startBareServer({ log: { info, warn: () => {}, error: () => {} } });
  const named = await ask(server, {
    url: '/api/v1/vms?name=secret',
    headers: { 'x-request-id': 'trace:1/a' },
  });
  assert.equal(named.headers['x-request-id'], 'trace:1/a');
  for (const odd of ['with space', '', 'x'.repeat(200), '"quoted"', '-dash']) {
    const { headers } = await ask(server, { url: '/healthz', headers: { 'x-request-id': odd } });
    assert.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/, odd);
  }
  await ask(server, { url: '/api/v1/nothing?token=secret', headers: { 'x-request-id': 'b' } });
  const actor = 'owner';
  assert.deepEqual(
    lines
      .filter((line) => 'path' in line && line.path !== '/api/v1/server')
      .map((line) => ({ ...line, ms: 0 })),
    [
      { request: 'trace:1/a', method: 'GET', path: '/api/v1/vms', status: 200, ms: 0, actor },
      { request: 'b', method: 'GET', path: '/api/v1/nothing', status: 404, ms: 0, actor },
    ],
  );
});

test('health is told without a token, and a store that does not answer is not ready', async () => {
  await using server = await startBareServer();
  assert.deepEqual((await ask(server, { url: '/healthz' })).body, { live: true });
  const ready = await ask(server, { url: '/readyz' });
  const hosts = { connected: 0, unreachable: 0, untried: 0 };
  assert.equal(ready.status, 200);
  assert.deepEqual(ready.body, { ready: true, store: 'ok', hosts });
  const store = await Store.open(':memory:');
  const fleet = new Fleet(store, { uid: 0 }, quietPorts());
  await store[Symbol.asyncDispose]();
  assert.deepEqual(await readinessOf({ fleet, store }), {
    ready: false,
    store: 'unreachable',
    hosts,
  });
});

test('while the server ends, requests are refused with a time to come back, and streams end', async () => {
  await using server = await startBareServer();
  const stream = await new Promise<IncomingMessage>((resolve) => {
    request({ socketPath: server.socket, path: '/api/v1/events' }, resolve).end();
  });
  const told = text(stream);
  const socket = connect(server.socket);
  // A request that is half there when the end begins; the answer to one before says it was read.
  socket.write(
    'GET /healthz HTTP/1.1\r\nhost: berth\r\n\r\nGET /api/v1/vms HTTP/1.1\r\nhost: berth\r\n',
  );
  await once(socket, 'readable');
  const ended = server.stop();
  await new Promise((resolve) => setImmediate(resolve));
  socket.write('\r\n');
  const answer = (await text(socket)).split('{"live":true}')[1] ?? '';
  assert.match(answer, /^HTTP\/1\.1 503 /);
  assert.match(answer, /\r\nretry-after: 5\r\n/i);
  assert.match(answer, /\r\nconnection: close\r\n/i);
  assert.match(answer, /"code":"BERTH_SERVER_ENDING"/);
  assert.match(await told, /^retry: 2000\nid: \S+\.\d+\n/);
  await ended;
});
