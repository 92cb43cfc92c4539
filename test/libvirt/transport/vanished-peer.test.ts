import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { parseUri } from '../../../src/libvirt/index.ts';
import { systemClock } from '../../../src/libvirt/rpc/clock.ts';
import { dial } from '../../../src/libvirt/transport/dial.ts';
import { sshProgram } from '../../../src/libvirt/transport/ssh-options.ts';
import { makeAuthority, makeHostCertificates } from '../../../src/lab/fleet/lab-certificates.ts';

const WAIT = { deadlineMs: 10_000 };
const HOST = '127.0.0.1';

/** As `ss` tells of a socket that has been silent for less than 20 of 30 s. */
const KERNEL_ASKS = /timer:\(keepalive,(30|[12]\d)(\.\d+)?sec,0\)/;

async function listen(t: TestContext, server: Server): Promise<number> {
  server.listen(0, HOST);
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Dials, and gives what the kernel says about the timer of the socket that leads to the port. */
async function timerOf(t: TestContext, uri: string, port: number): Promise<string> {
  const options = { environment: { uid: 0 }, plainTcp: true };
  const socket = await dial(parseUri(uri), options, systemClock, WAIT);
  t.after(() => socket.destroy());
  const { stdout } = spawnSync('ss', ['-tnoH', 'dport', '=', `:${port}`], { encoding: 'utf8' });
  return stdout;
}

describe('a peer that vanished without a word is noticed, with libvirt’s keepalive off too', () => {
  test('by the kernel on TCP', async (t) => {
    const port = await listen(t, createServer());
    assert.match(await timerOf(t, `qemu+tcp://${HOST}:${port}/system`, port), KERNEL_ASKS);
  });

  test('by the kernel on TLS', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-vanished-'));
    t.after(async () => rm(folder, { recursive: true }));
    const [pki, own] = [join(folder, 'pki'), join(folder, 'own')];
    await makeAuthority(pki, 'known', t.signal);
    const host = { name: 'localhost', address: HOST, keyMode: 0o600 };
    await makeHostCertificates(pki, own, host, t.signal);
    const read = async (name: string) => readFile(join(own, name));
    const files = { cert: await read('server-cert.pem'), key: await read('server-key.pem') };
    const accepted = Buffer.of(1);
    const port = await listen(
      t,
      createTlsServer(files, (socket) => void socket.write(accepted)),
    );
    const uri = `qemu+tls://localhost:${port}/system?pkipath=${encodeURIComponent(pki)}`;
    assert.match(await timerOf(t, uri, port), KERNEL_ASKS);
  });

  test('by ssh on SSH', () => {
    const { options } = sshProgram(parseUri('qemu+ssh://host/system'));
    assert.ok(options.includes('ServerAliveInterval=15'));
  });
});
