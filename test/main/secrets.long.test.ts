import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { askServer } from '../server/access/net-rig.ts';
import type { Answer } from '../server/access/net-rig.ts';
import { until } from '../server/rig.ts';
import { postgresSkip, startPostgres } from '../store/postgres.ts';

const BERTH = fileURLToPath(new URL('../../src/main/berth.mjs', import.meta.url));
const PASSWORD = 'correct-horse-battery';

test(
  'no log, audit, answer or error shows a token, a cookie, or the password of the store',
  { skip: postgresSkip() },
  async () => {
    const postgres = await startPostgres();
    const home = await mkdtemp(join(tmpdir(), 'berth-secrets-'));
    const env = {
      PATH: process.env['PATH'],
      HOME: home,
      BERTH_HOME: join(home, 'state'),
      LANG: 'C.UTF-8',
      XDG_CONFIG_HOME: join(home, 'config'),
      BERTH_DEBUG: '1',
    };
    const written: string[] = [];
    const berth = async (argv: readonly string[], more: object = {}, stdin = '') => {
      const child = spawn(process.execPath, [BERTH, ...argv], { env: { ...env, ...more } });
      const ended = once(child, 'close');
      child.stdin.end(stdin);
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
      const [status] = (await ended) as [number | null];
      return { status, stdout, stderr };
    };
    const shown = async (...line: Parameters<typeof berth>) => {
      const ran = await berth(...line);
      written.push(ran.stdout, ran.stderr);
      return ran;
    };
    const url = postgres.url.replace('postgres@', `postgres:${PASSWORD}@`);
    const storeFile = join(home, 'store.url');
    await writeFile(storeFile, `${url}\n`);
    const serve = ['serve', '--listen', '127.0.0.1:0', '--log-level', 'debug'];
    const server = spawn(process.execPath, [BERTH, ...serve, '--store-file', storeFile], { env });
    let log = '';
    server.stderr.setEncoding('utf8').on('data', (chunk: string) => (log += chunk));
    const ended = once(server, 'close');
    try {
      await until('the server listens', async () => /the server listens/.test(log));
      const [, address = ''] = /"listens":"([^"]+)"/.exec(log) ?? [];
      const api = `http://${address}`;
      const made = await berth(['token', 'create', 'ci', '--role', 'admin', '--json']);
      const token = (JSON.parse(made.stdout) as { token: string }).token;
      const ask = async (...[method, path, how]: [string, string, object]): Promise<Answer> =>
        askServer(api, method, path, how);
      const login = await ask('POST', '/api/v1/login', { body: { token } });
      const cookie = (login.headers['set-cookie']?.[0] ?? '').split(/[=;]/)[1] ?? '';
      const headers = { cookie: `berth=${cookie}` };
      const secrets = [token.slice(23), cookie, String(login.body['csrfToken']), PASSWORD];

      assert.equal((await shown(['login', api], {}, `${token}\n`)).status, 0);
      assert.equal((await stat(join(home, 'config', 'berth', 'logins.json'))).mode & 0o777, 0o600);
      await shown(['whoami', '--json']);
      await shown(['token', 'ls', '--json']);
      await shown(['vm', 'show', 'none', '--json']);
      await shown(['vm', 'ls'], { BERTH_TOKEN: `${token}x` });
      await shown(['token', 'rm', token]);
      written.pop(); // what the caller typed comes back to that caller alone
      written.pop();
      await shown(['host', 'add', 'qemu+ssh://h/system?keyfile=/x', 'h']);
      for (const how of [
        { headers: { authorization: `Basic ${token}` } },
        { headers: { ...headers, 'content-type': 'text/plain' }, body: token },
        { token, body: { name: token, role: 'viewer', token } },
        { headers, body: { name: 'x', role: 'viewer' } },
      ]) {
        written.push((await ask('POST', '/api/v1/tokens', how)).text);
      }
      written.push((await ask('POST', '/api/v1/login', { body: { token, also: token } })).text);
      await postgres.stop('immediate');
      await shown(['token', 'ls', '--json'], { BERTH_SERVER: 'local' });
      await postgres.start();
      await until('the store is back', async () => (await shown(['token', 'ls'])).status === 0);
      const audit = await shown(['audit', '--json', '--limit', '1000']);
      assert.match(audit.stdout, /"createToken"/);
      const wrong = await shown(['serve', '--store', `${url}?password=${PASSWORD}`]);
      assert.equal(wrong.status, 2);
      for (const secret of secrets) {
        assert.ok(secret.length > 15);
        const telling = [log, ...written].find((said) => said.includes(secret));
        assert.equal(telling?.slice(0, 2000), undefined);
      }
      const kept = await readFile(join(home, 'config', 'berth', 'logins.json'), 'utf8');
      assert.ok(kept.includes(token));
      await shown(['logout']);
    } finally {
      server.kill('SIGTERM');
      await ended;
      await postgres.remove();
      await rm(home, { recursive: true });
    }
  },
);
