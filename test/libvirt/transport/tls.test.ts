import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeAuthority, makeHostCertificates } from '../../../src/lab/fleet/lab-certificates.ts';
import { breakLabHost } from '../../../src/lab/fleet/break-lab-host.ts';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import { fleetSkip, NO_TOPOLOGY } from '../../lab/fleet/test-lab.ts';
import { until } from '../../lab/tiny-guest.ts';
import { farHost, type FarHost } from './far-host.ts';
import type { Answer, Question } from './lab-client.ts';

const skip = await fleetSkip();

describe('qemu+tls and qemu+tcp', { skip, concurrency: false }, () => {
  let host: FarHost;
  before(async () => {
    host = await farHost();
  });
  after(async () => host.client.stop());

  async function ask(
    parameters: string,
    { at, ...rest }: Partial<Question> & { readonly at?: string } = {},
  ): Promise<Answer> {
    const uri = `qemu+tls://${at ?? host.address}/system${parameters}`;
    return host.client.ask({ uri, does: 'hostname', ...rest });
  }

  /** A changed copy of the lab's client files, as a parameter. */
  async function pki(
    name: string,
    change: (folder: string) => Promise<void> = async () => undefined,
  ): Promise<string> {
    const folder = join(host.home, name);
    await cp(join(host.lab, 'pki'), folder, { recursive: true });
    await change(folder);
    return `?pkipath=${encodeURIComponent(folder)}`;
  }

  /** Asks for what must fail because of a certificate: `fault`, and what it says. */
  async function fails(fault: string, said: RegExp, answer: Promise<Answer>): Promise<void> {
    const { failure } = await answer;
    assert.deepEqual(
      [failure?.code, failure?.fault],
      ['BERTH_CERTIFICATE', fault],
      failure?.message,
    );
    assert.match(failure?.message ?? '', said);
    assert.doesNotMatch(JSON.stringify(failure), /PRIVATE|undefined/);
  }

  /** A certificate for a client or a server of the lab's own authority, made by openssl. */
  async function sign(
    folder: string,
    out: string,
    key: string,
    ...more: readonly string[]
  ): Promise<void> {
    const pki = join(host.lab, 'pki');
    const signer = ['-CA', join(pki, 'cacert.pem'), '-CAkey', join(pki, 'ca.key')];
    const pub = join(folder, 'pub');
    const openssl = async (...argv: readonly string[]) =>
      runCommand(['openssl', ...argv], { deadlineMs: 10_000 });
    await openssl('pkey', '-in', key, '-pubout', '-out', pub);
    const subject = ['-new', '-force_pubkey', pub, '-subj', '/CN=tried'];
    await openssl('x509', ...subject, ...signer, ...more, '-out', join(folder, out));
  }

  test('carries calls, events and streams with certificates of both sides', async () => {
    const { failure, ...answer } = await ask(await pki('as it is'), { does: 'visit' });
    assert.equal(failure, undefined);
    assert.deepEqual(answer, {
      hostname: host.name,
      opened: 'qemu:///system',
      event: 'seen',
      bytes: 3 * 1024 * 1024,
    });
  });

  test('is what a URI with a host and no transport means', async () => {
    const uri = `qemu://${host.name}/system${await pki('no transport')}`;
    assert.equal((await host.client.ask({ uri, does: 'hostname' })).hostname, host.name);
  });

  test("finds the user's own files where none are named", async () => {
    const home = join(host.home, 'user');
    await cp(join(host.lab, 'pki'), join(home, '.pki', 'libvirt'), { recursive: true });
    assert.equal((await ask('', { options: { uid: 1000, home } })).hostname, host.name);
    // For root there are only the system's files, which no machine of a test has.
    await fails('file', /no certificate authority in \/etc\/pki/, ask('', { options: { home } }));
  });

  test('says which file is missing or cannot be used', async () => {
    const none = await pki('no authority', async (at) => rm(join(at, 'cacert.pem')));
    await fails('file', /no certificate authority in .*cacert\.pem/, ask(none));
    const noKey = await pki('no key', async (at) => rm(join(at, 'clientkey.pem')));
    await fails('file', /clientcert\.pem is there, but not its key/, ask(noKey));
    const broken = await pki('broken', async (at) => writeFile(join(at, 'clientkey.pem'), 'none'));
    await fails('file', /not all of these can be used.*clientkey\.pem/, ask(broken));
    const other = await pki('other key', async (at) =>
      cp(join(at, 'ca.key'), join(at, 'clientkey.pem')),
    );
    await fails('file', /ERR_OSSL_X509_KEY_VALUES_MISMATCH/, ask(other));
    const folder = await pki('folder', async (at) => {
      await rm(join(at, 'cacert.pem'));
      await cp(join(at, '..', 'broken'), join(at, 'cacert.pem'), { recursive: true });
    });
    await fails('file', /cacert\.pem cannot be read \(EISDIR\)/, ask(folder));
  });

  test('says that the daemon refuses our certificate, or wants one', async () => {
    const none = await pki('none of ours', async (at) => rm(join(at, 'clientcert.pem')));
    await fails('refused', /asks for a client certificate, and there is none/, ask(none));
    const foreign = await pki('foreign', async (at) => {
      const other = join(host.home, 'other authority');
      await makeAuthority(other, 'other', AbortSignal.timeout(10_000));
      for (const name of ['clientcert.pem', 'clientkey.pem']) {
        await cp(join(other, name), join(at, name));
      }
    });
    await fails('refused', /refuses our certificate .*signed by .*other/, ask(foreign));
    const expired = await pki('expired', async (at) => {
      await sign(at, 'clientcert.pem', join(at, 'clientkey.pem'), '-days', '-1');
    });
    await fails('refused', /refuses our certificate .*valid from .* to /, ask(expired));
  });

  test("says that the daemon's certificate is not trusted, or is for another name", async () => {
    const untrusted = await pki('untrusted', async (at) => {
      const other = join(host.home, 'third authority');
      await makeAuthority(other, 'third', AbortSignal.timeout(10_000));
      await cp(join(other, 'cacert.pem'), join(at, 'cacert.pem'));
    });
    await fails('untrusted', /not from the authority in .*cacert\.pem/, ask(untrusted));
    assert.equal((await ask(`${untrusted}&no_verify=1`)).hostname, host.name);
    await host.beside('ip', 'address', 'add', '127.0.0.9/8', 'dev', 'lo');
    const { address } = host;
    const relay = `TCP-LISTEN:16514,bind=127.0.0.9,fork,reuseaddr`;
    await host.beside('sh', '-c', `socat ${relay} TCP:${address}:16514 >/dev/null 2>&1 &`);
    const right = await pki('right');
    await until('the relay', 5000, async () => {
      const { failure } = await ask(right, { at: '127.0.0.9' });
      return failure?.code !== 'BERTH_CONNECTION_CLOSED';
    });
    await fails(
      'wrong-name',
      /for another name than "127\.0\.0\.9"/,
      ask(right, { at: '127.0.0.9' }),
    );
    assert.equal((await ask(`${right}&no_verify=1`, { at: '127.0.0.9' })).hostname, host.name);
  });

  test('says that nothing answers as a libvirt daemon does', async () => {
    const right = await pki('elsewhere');
    const nobody = (await ask(right, { at: `${host.address}:2` })).failure;
    assert.equal(nobody?.code, 'BERTH_CONNECTION_CLOSED');
    assert.match(nobody.hint, /listen/);
    const unknown = (await ask(right, { at: 'no-such-host.invalid' })).failure;
    assert.equal(unknown?.code, 'BERTH_HOST_NAME');
    const ssh = (await ask(right, { at: `${host.address}:22` })).failure;
    assert.equal(ssh?.code, 'BERTH_PROTOCOL');
    const odd = (await ask(`${right}&tls_priority=SECURE256`)).failure;
    assert.equal(odd?.code, 'BERTH_UNSUPPORTED');
  });

  test("says that the daemon's certificate is out of date", async () => {
    const pki = join(host.lab, 'pki');
    const right = `?pkipath=${pki}`;
    const folder = join(host.home, 'late');
    const issue = { name: host.name, address: host.address, keyMode: 0o600 };
    await makeHostCertificates(pki, folder, issue, AbortSignal.timeout(10_000));
    await writeFile(join(folder, 'ext'), `subjectAltName=IP:${host.address}\n`);
    await sign(
      folder,
      'late.pem',
      join(folder, 'server-key.pem'),
      '-days',
      '-1',
      '-extfile',
      join(folder, 'ext'),
    );
    const port = 16_599;
    const files = `cert=${join(folder, 'late.pem')},key=${join(folder, 'server-key.pem')},verify=0`;
    const listen = `OPENSSL-LISTEN:${port},bind=127.0.0.10,fork,reuseaddr,${files}`;
    await host.beside('sh', '-c', `socat '${listen}' EXEC:cat >/dev/null 2>&1 &`);
    const at = `127.0.0.10:${port}`;
    await until('the listener', 5000, async () => {
      const { failure } = await ask(right, { at });
      return failure?.code !== 'BERTH_CONNECTION_CLOSED';
    });
    await fails('expired', /out of date \(CERT_HAS_EXPIRED\)/, ask(right, { at }));
  });

  test('carries plain TCP only where it is asked for', async () => {
    const uri = `qemu+tcp://${host.address}/system`;
    const refused = (await host.client.ask({ uri, does: 'hostname' })).failure;
    assert.equal(refused?.code, 'BERTH_UNSUPPORTED');
    assert.match(refused.message, /neither encrypted.*qemu\+tls/);
    const options = { plainTcp: true };
    const closed = (await host.client.ask({ uri, does: 'hostname', options })).failure;
    assert.equal(closed?.code, 'BERTH_CONNECTION_CLOSED');
    const path = join(host.dir, 'etc-libvirt', 'libvirtd.conf');
    const config = await readFile(path, 'utf8');
    const open = config.replace('listen_tcp = 0', 'listen_tcp = 1\nauth_tcp = "none"');
    assert.notEqual(open, config);
    await writeFile(path, open);
    const place = { home: host.home, host: host.name, own: NO_TOPOLOGY };
    await breakLabHost(place, ['libvirtd-kill'], AbortSignal.timeout(30_000));
    await until('libvirtd with TCP', 15_000, async () => {
      const { failure } = await host.client.ask({ uri, does: 'hostname', options });
      return failure === undefined;
    });
    const answer = await host.client.ask({ uri, does: 'visit', options });
    assert.deepEqual([answer.hostname, answer.bytes], [host.name, 3 * 1024 * 1024]);
  });
});
