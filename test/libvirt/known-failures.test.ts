/**
 * What went wrong in clients of this protocol that are in wide use, as their users reported it: each
 * title is such a failure, and the test shows that it does not happen here.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, test, type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { makeAuthority, makeHostCertificates } from '../../src/lab/fleet/lab-certificates.ts';
import {
  connect,
  connectGetAllDomainStats,
  connectGetHostname,
  connectGetUri,
  DomainEvent,
  domainOpenConsole,
  domainResume,
  ErrorCode,
  isLibvirtError,
  isUnknownProcedure,
  networkUpdate,
  paramRecord,
  parseUri,
  socketCandidates,
  storageVolDownload,
  storageVolUpload,
  type Connection,
} from '../../src/libvirt/index.ts';
import { FrameStatus, FrameType, Program, type Frame } from '../../src/libvirt/rpc/frame.ts';
import { WINDOW } from '../../src/libvirt/rpc/call-table.ts';
import {
  DOM,
  errorPayload,
  event,
  FakeDaemon,
  FakeLink,
  lifecycle,
  message,
  OPENING,
  packet,
  reply,
  text,
  WAIT,
  wireDomain,
  words,
} from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';
import { coded } from '../refusal.ts';

const DATA = { vol: { pool: 'p', name: 'v', key: '/v' }, offset: 0n, length: 0n };
const PING = message({ program: Program.keepalive, procedure: 1, type: FrameType.message });

async function start(t: TestContext) {
  const fake = await FakeDaemon.start(t);
  return { fake, connection: await fake.connect(t) };
}

async function lifecycleFeed(fake: FakeDaemon, connection: Connection, callbackId = 0) {
  const subscribing = connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
  fake.write(reply(await fake.next(), words(callbackId)));
  return subscribing;
}

/** Makes a call that changes nothing, behind everything that was sent before it. */
async function barrier(fake: FakeDaemon, connection: Connection): Promise<void> {
  const call = connection.call(connectGetHostname, {}, WAIT);
  fake.write(reply(await fake.next(), text('h')));
  await call;
}

describe('a reader that is also the consumer', () => {
  test('a consumer of events that makes calls waits for itself: deadlock', async (t) => {
    const { fake, connection } = await start(t);
    const feed = await lifecycleFeed(fake, connection);
    const rounds = 200;
    const serving = (async () => {
      for (let i = 0; i < rounds; i++) {
        const call = await fake.next();
        // Each reply stands behind more events than anybody has read.
        fake.write(lifecycle(0, 1), lifecycle(0, 2), reply(call, text('h')));
      }
    })();
    fake.write(lifecycle(0, 0));
    let calls = 0;
    while (calls < rounds) {
      await feed.take(WAIT);
      await connection.call(connectGetHostname, {}, WAIT);
      calls++;
    }
    await serving;
    assert.equal(calls, rounds);
  });

  test('a consumer of events that is slow stops replies, for everybody', async (t) => {
    const { fake, connection } = await start(t);
    await lifecycleFeed(fake, connection);
    fake.write(...Array.from({ length: 5000 }, () => lifecycle(0, 1)));
    await barrier(fake, connection);
  });

  test('data that come in the same chunk as the reply are lost to a listener attached later', async (t) => {
    const fake = await FakeDaemon.start(t);
    const wire = await fake.wire(t, new ManualClock());
    const opening = wire.openStream(storageVolDownload, DATA, WAIT);
    const call = await fake.next();
    const data = packet(call, FrameStatus.continue, Buffer.from('all of it'));
    fake.write(reply(call), data, packet(call, FrameStatus.continue), packet(call, FrameStatus.ok));
    const { stream } = await opening;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(Buffer.concat(await stream.toArray()).toString(), 'all of it');
  });
});

describe('a socket that dies', () => {
  test('leaves callers hanging: those sent, those that wait, those that come later', async (t) => {
    const { fake, connection } = await start(t);
    const calls = Array.from({ length: WINDOW * 3 }, async () =>
      connection.call(connectGetHostname, {}, WAIT),
    );
    const settled = Promise.allSettled(calls);
    await fake.next();
    fake.hangUp();
    assert.ok((await settled).every(({ status }) => status === 'rejected'));
    await assert.rejects(
      connection.call(connectGetHostname, {}, WAIT),
      coded('BERTH_CONNECTION_CLOSED'),
    );
  });

  test('leaves readers of events and streams hanging', async (t) => {
    const { fake, connection } = await start(t);
    const feed = await lifecycleFeed(fake, connection);
    const opening = connection.openStream(storageVolDownload, DATA, WAIT);
    const side = await fake.link(1);
    side.write(reply(await side.next()));
    const { stream } = await opening;
    const all = Promise.allSettled([feed.take(WAIT), stream.toArray()]);
    fake.hangUp();
    assert.ok((await all).every(({ status }) => status === 'rejected'));
  });

  test('without a word is not noticed by anybody: no keepalive', async (t) => {
    const clock = new ManualClock();
    const fake = await FakeDaemon.start(t);
    const keepalive = { intervalMs: 5000, misses: 5 };
    const connection = await fake.connect(t, { clock, keepalive });
    const call = connection.call(connectGetHostname, {}, { deadlineMs: 1_000_000 });
    clock.advance(30_000);
    await assert.rejects(call, coded('BERTH_CONNECTION_CLOSED', /no sign of life/));
  });

  test('because the daemon’s own questions were not answered', async (t) => {
    const { fake, connection } = await start(t);
    const stuck = connection.call(connectGetHostname, {}, WAIT);
    const call = await fake.next();
    for (let i = 0; i < 5; i++) {
      fake.write(PING);
      const pong = await fake.next();
      assert.deepEqual([pong.program, pong.procedure], [Program.keepalive, 2]);
    }
    fake.write(reply(call, text('h')));
    await stuck;
  });
});

describe('what was taken for something else', () => {
  test('a callback id of 0 is taken for none', async (t) => {
    const { fake, connection } = await start(t);
    const feed = await lifecycleFeed(fake, connection, 0);
    fake.write(lifecycle(0, 4));
    assert.equal((await feed.take(WAIT)).event, 4);
  });

  test('an event that cannot be read is dropped in silence', async (t) => {
    const { fake, connection } = await start(t);
    const feed = await lifecycleFeed(fake, connection);
    fake.write(event(318, 0, words(1, 2)));
    await assert.rejects(feed.take(WAIT), coded('BERTH_PROTOCOL'));
  });

  test('typed parameters inside structs cannot be decoded', async (t) => {
    const { fake, connection } = await start(t);
    const asking = connection.call(connectGetAllDomainStats, { doms: [], stats: 0 }, WAIT);
    const param = (name: string, ...value: readonly number[]) =>
      Buffer.concat([text(name), words(...value)]);
    const stats = [param('state.state', 1, 5), param('cpu.time', 4, 0x200000, 1)];
    const one = Buffer.concat([wireDomain('g'), words(stats.length), ...stats]);
    fake.write(reply(await fake.next(), Buffer.concat([words(2), one, one])));
    const { retStats } = await asking;
    assert.deepEqual(
      retStats.map(({ params }) => ({ ...paramRecord(params) })),
      Array.from({ length: 2 }, () => ({ 'state.state': 5, 'cpu.time': 2n ** 53n + 1n })),
    );
  });

  test('an unknown procedure cannot be told from arguments that cannot be read', async (t) => {
    const { fake, connection } = await start(t);
    const refusals = [];
    for (const said of ['unknown procedure: 59', 'Unable to decode message payload']) {
      const call = connection.call(connectGetHostname, {}, WAIT);
      const { procedure, serial } = await fake.next();
      const payload = errorPayload(ErrorCode.rpc, 7, said);
      fake.write(message({ procedure, serial, status: FrameStatus.error }, payload));
      refusals.push(await call.catch((error: unknown) => error));
    }
    assert.deepEqual(refusals.map(isUnknownProcedure), [true, false]);
  });

  test('the command and the section of a network update are swapped, one way or the other', async (t) => {
    for (const isNew of [true, false]) {
      const fake = await FakeDaemon.start(t, new Map([[60, words(isNew ? 1 : 0)]]));
      const connection = await fake.connect(t);
      const net = { name: 'n', uuid: DOM.uuid };
      const update = { net, command: 3, section: 4, parentIndex: -1, xml: '<host/>' };
      const updating = networkUpdate(connection, update, WAIT);
      const frame = await fake.next();
      const behindNet = text('n').length + 16;
      const said = frame.payload.subarray(behindNet, behindNet + 8);
      assert.deepEqual(said, isNew ? words(3, 4) : words(4, 3));
      fake.write(reply(frame));
      await updating;
    }
  });

  test('a late reply is given to the next call', async (t) => {
    const clock = new ManualClock();
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { clock });
    const late = connection.call(connectGetHostname, {}, { deadlineMs: 10 });
    const first = await fake.next();
    clock.advance(10);
    await assert.rejects(late, coded('BERTH_DEADLINE'));
    const next = connection.call(connectGetUri, {}, WAIT);
    fake.write(reply(first, text('late')), reply(await fake.next(), text('mine')));
    assert.deepEqual(await next, { uri: 'mine' });
  });
});

describe('streams', () => {
  test('an upload from a source of short reads arrives with pieces missing', async (t) => {
    const fake = await FakeDaemon.start(t);
    const wire = await fake.wire(t, new ManualClock());
    const opening = wire.openStream(storageVolUpload, DATA, WAIT);
    const link = await fake.link(0);
    const call = await link.next();
    link.write(reply(call));
    const pieces = Array.from({ length: 300 }, (_, i) => Buffer.alloc((i * 37) % 1000, i));
    const sending = pipeline(Readable.from(pieces), (await opening).stream);
    const arrived = await collect(link);
    link.write(packet(call, FrameStatus.ok));
    await sending;
    assert.ok(arrived.equals(Buffer.concat(pieces)));
  });

  test('a console can only be read', async (t) => {
    const { fake, connection } = await start(t);
    const opening = connection.openStream(domainOpenConsole, { dom: DOM }, WAIT);
    const link = await fake.link(1);
    const call = await link.next();
    link.write(reply(call));
    const { stream } = await opening;
    stream.on('error', () => undefined);
    stream.write('ls\n');
    assert.equal((await link.next()).payload.toString(), 'ls\n');
    link.write(packet(call, FrameStatus.continue, Buffer.from('file\r\n')));
    assert.equal(String((await once(stream, 'data'))[0]), 'file\r\n');
  });

  test('the end of a download is not confirmed, so that the daemon keeps it for ever', async (t) => {
    const { fake, connection } = await start(t);
    const opening = connection.openStream(storageVolDownload, DATA, WAIT);
    const link = await fake.link(1);
    const call = await link.next();
    link.write(reply(call), packet(call, FrameStatus.continue));
    const reading = (await opening).stream.toArray();
    const finish = await link.next();
    assert.deepEqual([finish.status, finish.payload.length], [FrameStatus.ok, 0]);
    link.write(packet(call, FrameStatus.ok));
    await reading;
  });

  test('a transfer that nobody reads stops every call', async (t) => {
    const { fake, connection } = await start(t);
    const opening = connection.openStream(storageVolDownload, DATA, WAIT);
    const link = await fake.link(1);
    const call = await link.next();
    link.write(reply(call));
    (await opening).stream.on('error', () => undefined);
    const piece = packet(call, FrameStatus.continue, Buffer.alloc(262_120));
    for (let i = 0; i < 20; i++) link.write(piece);
    await barrier(fake, connection);
  });
});

describe('ways in', () => {
  test('TLS hangs, because the byte before the first message is taken for a part of it', async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'berth-tls-'));
    t.after(async () => rm(folder, { recursive: true }));
    const [pki, own] = [join(folder, 'pki'), join(folder, 'own')];
    const host = { name: 'localhost', address: '127.0.0.1', keyMode: 0o600 };
    await makeAuthority(pki, 'known', t.signal);
    await makeHostCertificates(pki, own, host, t.signal);
    const read = async (name: string) => readFile(join(own, name));
    const files = { cert: await read('server-cert.pem'), key: await read('server-key.pem') };
    const server = createTlsServer(files, (socket) => {
      socket.write(Buffer.of(1));
      void new FakeLink(socket, OPENING);
    });
    server.listen(0, host.address);
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const uri = `qemu+tls://localhost:${port}/system?pkipath=${encodeURIComponent(pki)}`;
    const connection = await connect(uri, { environment: { uid: 0 } }, WAIT);
    assert.equal(connection.libVersion, 9_000_000);
    await connection.close({ deadlineMs: 100 });
  });

  test('daemons of one driver each are not found', () => {
    const paths = socketCandidates(parseUri('qemu:///system'), { uid: 0 }, false);
    assert.deepEqual(paths, ['/run/libvirt/virtqemud-sock', '/run/libvirt/libvirt-sock']);
  });

  test('a daemon that asks for SASL is answered with a call that fails for no visible reason', async (t) => {
    const fake = await FakeDaemon.start(t, new Map([[66, words(1, 1)]]));
    await assert.rejects(
      connect(fake.uri, { environment: { uid: 0 } }, WAIT),
      coded('BERTH_UNSUPPORTED', /SASL/),
    );
  });
});

describe('a hung guest', () => {
  test('takes the whole connection with it: five unanswered calls, and the daemon stops reading', async (t) => {
    const { fake, connection } = await start(t);
    const calls = Array.from({ length: 20 }, async () =>
      connection.call(domainResume, { dom: DOM }, WAIT),
    );
    const settled = Promise.allSettled(calls);
    for (let i = 0; i < WINDOW; i++) await fake.next();
    fake.write(PING);
    assert.equal((await fake.next()).program, Program.keepalive); // nothing came before it
    fake.hangUp();
    const outcomes = (await settled).map((one) =>
      one.status === 'rejected' && !isLibvirtError(one.reason) ? String(one.reason.code) : 'done',
    );
    const unknown = outcomes.filter((code) => code === 'BERTH_OUTCOME_UNKNOWN');
    assert.equal(unknown.length, WINDOW);
  });
});

/** Everything that is sent on a link up to the end of the data. */
async function collect(link: FakeLink): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (;;) {
    const frame: Frame = await link.next();
    if (frame.status === FrameStatus.ok) return Buffer.concat(parts);
    parts.push(frame.payload);
  }
}
