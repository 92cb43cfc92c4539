import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { connect } from 'node:tls';
import { Client } from '../../../src/api/client.ts';
import { isBerthError } from '../../../src/base/errors.ts';
import type { ErrorCode } from '../../../src/base/errors.ts';
import { parseListenAddress } from '../../../src/server/access/listen-address.ts';
import { until } from '../rig.ts';
import { makeCertificate, startNetRig } from './net-rig.ts';

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'berth-gates-'));
  t.after(async () => rm(path, { recursive: true }));
  return path;
}

const coded = (code: ErrorCode, text: RegExp) => (error: unknown) => {
  assert.ok(isBerthError(error, code), String(error));
  assert.match(`${error.message}; ${error.hint}`, text);
  return true;
};

test('an address is an IP address with a port', () => {
  const read = (text: string): string => Object.values(parseListenAddress(text)).join(' ');
  assert.equal(read('127.0.0.1:8006'), '127.0.0.1 8006');
  assert.equal(read('localhost:0'), '127.0.0.1 0');
  assert.equal(read('[::1]:65535'), '::1 65535');
  for (const wrong of [
    '8006',
    ':8006',
    '127.0.0.1',
    '127.0.0.1:99999',
    '::1:8006',
    'host:1',
    '[]:1',
  ]) {
    assert.throws(() => parseListenAddress(wrong), coded('BERTH_SPEC_INVALID', /--listen/), wrong);
  }
});

test('the network is let in over TLS alone, unless somebody insists', async () => {
  const gates = { listen: ['0.0.0.0:0'], isPlainAllowed: false };
  await assert.rejects(startNetRig({ gates }), coded('BERTH_USAGE', /without TLS.*--tls-cert/));
  const warned: string[] = [];
  const log = {
    info: () => {},
    error: () => {},
    warn: (_: object, text: string) => warned.push(text),
  };
  await using rig = await startNetRig({ gates: { ...gates, isPlainAllowed: true } }, { log });
  assert.match(rig.url, /^http:\/\/0\.0\.0\.0:\d+$/);
  assert.ok(warned.some((text) => /WITHOUT TLS/.test(text)));
});

test('a certificate that cannot be used is told before anything begins', async (t) => {
  const path = await folder(t);
  const own = await makeCertificate(path, 'own');
  const other = await makeCertificate(path, 'other');
  const junk = join(path, 'junk');
  await writeFile(junk, 'no certificate');
  const listen = ['127.0.0.1:0'];
  const cases = [
    [{ ...own, key: other.key }, /own\.crt/, Date.now],
    [{ ...own, key: join(path, 'none') }, /none cannot be read \(ENOENT\)/, Date.now],
    [{ ...own, certificate: junk }, /junk holds no certificate/, Date.now],
    [{ ...own, key: junk }, /junk holds no private key/, Date.now],
    [own, /expired on/, () => Date.now() + 8 * 86_400_000],
    [own, /is not valid before/, () => Date.now() - 86_400_000],
  ] as const;
  for (const [tls, text, now] of cases) {
    const gates = { listen, tls, isPlainAllowed: false };
    await assert.rejects(startNetRig({ gates }, { now }), coded('BERTH_CERTIFICATE', text));
  }
});

test('an address that is taken, or not of this machine, is told as such', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const gates = (listen: string) => ({ gates: { listen: [listen], isPlainAllowed: true } });
  await assert.rejects(
    startNetRig(gates(`127.0.0.1:${port}`)),
    coded('BERTH_BUSY', /listens there/),
  );
  await assert.rejects(startNetRig(gates('192.0.2.1:8006')), coded('BERTH_USAGE', /no address of/));
  other.close();
});

test('a client reaches the server over TLS 1.2 or later, and says what is wrong with trust', async (t) => {
  const path = await folder(t);
  const tls = await makeCertificate(path, 'server');
  const stranger = await makeCertificate(path, 'stranger');
  const gates = { listen: ['127.0.0.1:0'], tls, isPlainAllowed: false };
  await using rig = await startNetRig({ gates });
  const token = await rig.token({ name: 'ci', role: 'viewer' });
  const ca = await readFile(tls.certificate, 'utf8');
  const { url } = rig;
  assert.equal((await new Client({ url, token, ca }).whoami()).actor, 'ci');
  const operator = await rig.token({ name: 'op', role: 'operator' });
  const console = new Client({ url, token: operator, ca }).openConsole('none', { force: false });
  const [closed, reason] = (await once(console, 'close')) as [number, Buffer];
  assert.equal(closed, 4000, String(reason));
  await assert.rejects(new Client({ url, ca }).whoami(), coded('BERTH_UNAUTHENTICATED', /token/));
  const wrongCa = await readFile(stranger.certificate, 'utf8');
  for (const address of [
    { url, token },
    { url, token, ca: wrongCa },
  ]) {
    const failure = coded('BERTH_CERTIFICATE', /nobody whom this machine trusts.*--ca FILE/);
    await assert.rejects(new Client(address).whoami(), failure);
  }
  const named = url.replace('127.0.0.1', '127.0.0.2');
  await assert.rejects(
    new Client({ url: named, token, ca }).whoami(),
    coded('BERTH_SERVER_UNREACHABLE', /nothing listens there/),
  );
  const plain = new Client({ url: url.replace('https', 'http'), token });
  await assert.rejects(plain.whoami(), coded('BERTH_SERVER_UNREACHABLE', /berth serve --listen/));
  const port = Number(new URL(url).port);
  const old = connect({ host: '127.0.0.1', port, ca, maxVersion: 'TLSv1.1', minVersion: 'TLSv1' });
  const [refusal] = await new Promise<[Error]>((resolve) => old.on('error', (e) => resolve([e])));
  assert.match(refusal.message, /protocol version|unsupported protocol|no protocols/i);
});

test('a certificate is read again when that is asked for, and a bad one changes nothing', async (t) => {
  const path = await folder(t);
  const tls = await makeCertificate(path, 'server');
  const next = await makeCertificate(path, 'next');
  let reload = (): void => {};
  const onReload = (again: () => void): void => {
    reload = again;
  };
  const said: string[] = [];
  const say = (_: object, text: string): void => void said.push(text);
  await using rig = await startNetRig(
    { gates: { listen: ['127.0.0.1:0'], tls, isPlainAllowed: false, onReload } },
    { log: { info: say, warn: say, error: say } },
  );
  const first = await readFile(tls.certificate, 'utf8');
  const second = await readFile(next.certificate, 'utf8');
  const status = async (ca: string): Promise<number> =>
    (await rig.ask('GET', '/api/v1/whoami', { ca })).status;
  assert.equal(await status(first), 401);
  await copyFile(next.certificate, tls.certificate);
  reload();
  await until('the refusal is logged', async () =>
    said.some((text) => /cannot be used/.test(text)),
  );
  assert.equal(await status(first), 401);
  await copyFile(next.key, tls.key);
  reload();
  await until('the new one is read', async () => said.some((text) => /read again/.test(text)));
  assert.equal(await status(second), 401);
  await assert.rejects(status(first), /self.signed|unable to verify/i);
});

test('a certificate that changes is noticed without being told', async (t) => {
  const path = await folder(t);
  const tls = await makeCertificate(path, 'server');
  const next = await makeCertificate(path, 'next');
  const waits: (() => void)[] = [];
  const sleep = async (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve, reject) => {
      if (ms === 30_000) waits.push(resolve);
      else setTimeout(resolve, ms).unref();
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });
  await using rig = await startNetRig(
    { gates: { listen: ['127.0.0.1:0'], tls, isPlainAllowed: false } },
    { sleep },
  );
  await copyFile(next.certificate, tls.certificate);
  await copyFile(next.key, tls.key);
  const ca = await readFile(next.certificate, 'utf8');
  await until('the new certificate is shown', async () => {
    for (const wake of waits.splice(0)) wake();
    return rig.ask('GET', '/api/v1/whoami', { ca }).then(
      ({ status }) => status === 401,
      () => false,
    );
  });
});
