import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { berthError } from '../../src/base/errors.ts';
import type { ServeWish } from '../../src/cli/ports.ts';
import { loginPort, serverClient } from '../../src/main/server-client.ts';
import { startNetRig } from '../server/access/net-rig.ts';
import { ApiServer } from './api-server.ts';
import type { Route } from './api-server.ts';
import { NOW, runLine } from './run-line.ts';

const TOKEN = { id: '0123456789abcdef', name: 'ci', role: 'operator', createdAt: NOW - 7_200_000 };
const ENTRY = { id: 'a', at: NOW, action: 'createVm', target: 'vm db1', request: 'r', status: 202 };

const ROUTES: Readonly<Record<string, Route>> = {
  'GET /api/v1/tokens': () => ({
    tokens: [
      { ...TOKEN, scope: 'app=db', expiresAt: NOW + 1000, usedAt: NOW - 60_000 },
      { ...TOKEN, name: 'old', role: 'viewer', expiresAt: NOW },
      { ...TOKEN, name: 'ever', role: 'admin' },
    ],
  }),
  'POST /api/v1/tokens': () => ({ ...TOKEN, token: 'berth_0123456789abcdef_secret' }),
  'DELETE /api/v1/tokens/ci': () => TOKEN,
  'GET /api/v1/audit': ({ query }) =>
    query.get('cursor') === null
      ? { audit: [{ ...ENTRY, actor: 'ci', address: '10.0.0.1' }], next: 'more' }
      : { audit: [{ ...ENTRY, actor: 'owner', status: 409, code: 'BERTH_BUSY', target: '' }] },
  'GET /api/v1/whoami': () => ({ actor: 'ci', role: 'operator', scope: 'app=db' }),
};

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'berth-login-'));
  t.after(async () => rm(path, { recursive: true }));
  return path;
}

test('tokens are made, listed and revoked', async () => {
  await using server = await ApiServer.start(ROUTES);
  const { socket } = server;
  const line = ['token', 'create', 'ci', '--role', 'operator', '--scope', 'app=db'];
  const made = await runLine([...line, '--expires', '30d'], { socket });
  assert.equal(made.stdout, 'berth_0123456789abcdef_secret\n', 'the text alone, for a pipe');
  assert.match(made.stderr, /not shown again/);
  assert.deepEqual(server.received[0]?.body, {
    name: 'ci',
    role: 'operator',
    scope: 'app=db',
    expires: '30d',
  });
  const { stdout } = await runLine(['token', 'ls'], { socket });
  assert.deepEqual(stdout.split('\n'), [
    'NAME  ROLE      SCOPE   ENDS              USED       MADE     ID',
    'ci    operator  app=db  2025-10-09 08:58  1 min ago  2 h ago  0123456789abcdef',
    'old   viewer    all     has ended         never      2 h ago  0123456789abcdef',
    'ever  admin     all     never             never      2 h ago  0123456789abcdef',
    '',
  ]);
  const gone = await runLine(['token', 'rm', 'ci'], { socket });
  assert.equal(gone.stdout, 'ci is revoked\n');
  const wrong = await runLine(['token', 'create', 'x'], { socket });
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--role/);
});

test('the audit log is asked for page by page, as far back as is said', async () => {
  await using server = await ApiServer.start(ROUTES);
  const { socket } = server;
  const { stdout } = await runLine(['audit', '--since', '1h', '--actor', 'ci'], { socket });
  assert.deepEqual(stdout.split('\n').slice(1), [
    '2025-10-09 08:58:20  ci     10.0.0.1  createVm  vm db1  let in',
    '2025-10-09 08:58:20  owner  socket    createVm  -       BERTH_BUSY',
    '',
  ]);
  const [first, second] = server.received;
  assert.equal(first?.query.get('since'), String(NOW - 3_600_000));
  assert.equal(first?.query.get('actor'), 'ci');
  assert.equal(second?.query.get('cursor'), 'more');
  const one = await runLine(['audit', '--limit', '1', '--since', '2025-10-01', '--json'], {
    socket,
  });
  assert.equal((JSON.parse(one.stdout) as { audit: unknown[] }).audit.length, 1);
  assert.equal(server.received.at(-1)?.query.get('since'), String(Date.parse('2025-10-01')));
  for (const wrong of [
    ['--limit', '0'],
    ['--since', 'yesterday'],
    ['--since', '2025-13-77'],
  ]) {
    assert.equal((await runLine(['audit', ...wrong], { socket })).status, 2, wrong.join(' '));
  }
});

test('serve takes its wishes from flags, then from the environment', async (t) => {
  const file = join(await folder(t), 'store.url');
  await writeFile(file, ' postgres://db/berth \n');
  const wished = async (argv: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    let wish: ServeWish | undefined;
    const serve = async ({ signal, ...rest }: ServeWish & { signal: AbortSignal }) => {
      assert.ok(!signal.aborted);
      wish = rest;
    };
    const ran = await runLine(['serve', ...argv], { socket: '/nonexistent', env, serve });
    return { wish, said: ran.stderr };
  };
  const plain = { listen: [], isPlainAllowed: false, isProxied: false, logLevel: 'info' };
  assert.deepEqual((await wished([])).wish, plain);
  assert.deepEqual(
    (
      await wished(
        ['--listen', '127.0.0.1:1', '--listen', '[::1]:2', '--store-file', file, '--trust-proxy'],
        { BERTH_STORE: 'postgres://other', BERTH_LISTEN: '0.0.0.0:3', BERTH_TLS_CERT: '' },
      )
    ).wish,
    { ...plain, listen: ['127.0.0.1:1', '[::1]:2'], isProxied: true, store: 'postgres://db/berth' },
  );
  const env = {
    BERTH_LISTEN: '0.0.0.0:3, [::]:3',
    BERTH_STORE: 'postgres://db',
    BERTH_TLS_CERT: 'c',
    BERTH_TLS_KEY: 'k',
  };
  const tls = { certificate: 'c', key: 'k' };
  assert.deepEqual((await wished(['--log-level', 'debug'], env)).wish, {
    ...plain,
    listen: ['0.0.0.0:3', '[::]:3'],
    tls,
    store: 'postgres://db',
    logLevel: 'debug',
  });
  assert.match((await wished(['--tls-cert', 'c'])).said, /go together/);
  assert.match((await wished(['--tls-cert', 'c', '--tls-key', 'k'])).said, /--listen/);
  assert.match((await wished(['--store', 'x', '--store-file', file])).said, /exclude each other/);
  assert.match((await wished(['--store-file', '/nonexistent'])).said, /no such file/);
});

test('a token is typed without being shown, and Ctrl-C keeps nothing', async () => {
  await using server = await ApiServer.start(ROUTES);
  const typed = async (keys: string) => {
    const input = Object.assign(new PassThrough(), {
      isTTY: true,
      modes: [] as boolean[],
      setRawMode(on: boolean) {
        this.modes.push(on);
      },
    });
    input.write(keys);
    const ran = await runLine(['login', 'https://berth.example:8006'], {
      socket: server.socket,
      input,
    });
    return { ...ran, modes: input.modes };
  };
  const entered = await typed('wronh\u007fg\u0015berth_secret\r');
  assert.equal(entered.status, 0);
  assert.match(entered.stdout, /^you are ci, operator for VMs with app=db at https:/);
  assert.doesNotMatch(entered.stdout + entered.stderr, /secret|wron/);
  assert.deepEqual(entered.modes, [true, false]);
  const stopped = await typed('berth_sec\u0003');
  assert.equal(stopped.status, 130);
  assert.deepEqual(stopped.modes, [true, false]);
  const nothing = await runLine(['login', 'https://berth.example'], { socket: server.socket });
  assert.match(nothing.stderr, /no token was given/);
  const plain = await runLine(['login', 'http://berth.example'], { socket: server.socket });
  assert.match(plain.stderr, /plain HTTP/);
});

test('a login is kept for its owner alone, and decides which server is asked', async (t) => {
  const home = await folder(t);
  await using rig = await startNetRig();
  const token = await rig.token({ name: 'ci', role: 'viewer' });
  const env = { XDG_CONFIG_HOME: home };
  const logins = loginPort(env);
  const path = await logins.keep({ url: rig.url, token });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.match(await readFile(path, 'utf8'), /berth_/);
  const actor = async (more: Readonly<Record<string, string>> = {}, server?: string) => {
    const client = await serverClient({ ...env, ...more }, rig.home, { server });
    return client.whoami().then(
      (me) => me.actor,
      (error: Error) => error.message,
    );
  };
  assert.equal(await actor(), 'ci');
  assert.equal(await actor({ BERTH_SERVER: 'local' }), 'owner');
  assert.equal(await actor({}, 'local'), 'owner');
  const here = await serverClient(env, rig.home, { isLocal: true });
  assert.equal((await here.whoami()).actor, 'owner');
  assert.match(await actor({ BERTH_TOKEN: 'berth_wrong' }), /not one of this server/);
  assert.match(await actor({}, 'http://127.0.0.1:1'), /nothing listens there/);
  await rm(path);
  await writeFile(path, '{}', { mode: 0o644 });
  const open = serverClient(env, rig.home, {});
  await assert.rejects(open, { message: /others than its owner can read it/ });
  await rm(path);
  assert.equal(await actor(), 'owner');
  assert.deepEqual(await logins.forget(), []);
});

test('what the server does not let happen is told with what to do', async () => {
  const refuse =
    (error: Error): Route =>
    () => {
      throw error;
    };
  await using server = await ApiServer.start({
    'GET /api/v1/whoami': refuse(
      berthError('BERTH_UNAUTHENTICATED', { reason: 'no token was given' }),
    ),
    'GET /api/v1/tokens': refuse(
      berthError('BERTH_FORBIDDEN', { actor: 'ci', what: 'list tokens', reason: 'it is a viewer' }),
    ),
  });
  const { socket } = server;
  const nobody = await runLine(['whoami'], { socket });
  assert.equal(nobody.status, 4);
  assert.match(nobody.stderr, /does not know you: no token was given\n.*berth login URL/);
  assert.match((await runLine(['token', 'ls'], { socket })).stderr, /ci may not list tokens/);
});
