import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test, type TestContext } from 'node:test';
import {
  connectGetHostname,
  domainOpenConsole,
  storageVolDownload,
  type StreamBounds,
} from '../../src/libvirt/index.ts';
import { berthError } from '../../src/base/errors.ts';
import { FrameStatus } from '../../src/libvirt/rpc/frame.ts';
import { INBOX_BYTES_MAX, PACKET_BYTES_MAX } from '../../src/libvirt/streams/remote-stream.ts';
import { StreamPool } from '../../src/libvirt/streams/stream-pool.ts';
import { STREAM_ABORT_MS } from '../../src/libvirt/streams/stream-table.ts';
import type { WireConnection } from '../../src/libvirt/wire-connection.ts';
import {
  DOM,
  errorPayload,
  FakeDaemon,
  message,
  packet,
  reply,
  text,
  WAIT,
  type FakeLink,
} from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';
import { coded, refusedWith } from '../refusal.ts';

const DATA = { vol: { pool: 'p', name: 'v', key: '/v' }, offset: 0n, length: 0n };
const BOUNDS: StreamBounds = { atOnce: 2, idle: 1, idleMs: 1000 };
const GOOD_BYE = 2;

async function start(t: TestContext) {
  const clock = new ManualClock();
  const fake = await FakeDaemon.start(t);
  const connection = await fake.connect(t, { clock, streams: BOUNDS });
  /** Opens a download, served by the link of that number. */
  const open = async (number: number) => {
    const opening = connection.openStream(storageVolDownload, DATA, WAIT);
    const link = await fake.link(number);
    const call = await link.next();
    link.write(reply(call));
    const { stream } = await opening;
    stream.on('error', () => undefined); // of those that are open when the test ends
    return { link, call, stream };
  };
  return { clock, fake, connection, open };
}

/** Ends a stream in good order on both sides. */
async function finish({
  link,
  call,
  stream,
}: Awaited<ReturnType<Awaited<ReturnType<typeof start>>['open']>>) {
  const reading = stream.toArray();
  link.write(packet(call, FrameStatus.continue));
  await link.next();
  link.write(packet(call, FrameStatus.ok));
  await reading;
  if (!stream.closed) await once(stream, 'close');
}

async function gone(link: FakeLink): Promise<void> {
  if (!link.socket.closed) await once(link.socket, 'close');
}

describe('a stream', () => {
  test('has a connection of its own: nobody reading it holds up no call', async (t) => {
    const { fake, connection, open } = await start(t);
    const { link, call } = await open(1);
    const piece = Buffer.alloc(PACKET_BYTES_MAX, 1);
    for (let sent = 0; sent < 3 * INBOX_BYTES_MAX; sent += piece.length) {
      link.write(packet(call, FrameStatus.continue, piece));
    }
    const calling = connection.call(connectGetHostname, {}, WAIT);
    fake.write(reply(await fake.next(), text('h')));
    assert.deepEqual(await calling, { hostname: 'h' });
  });

  test('asks its connection for no keepalive, which a paused reader could not answer', async (t) => {
    const { open } = await start(t);
    const { link } = await open(1);
    assert.deepEqual(
      link.log.map((frame) => frame.procedure),
      [66, 1, storageVolDownload.number],
    );
  });

  test('that ended in good order leaves its connection to the next', async (t) => {
    const { fake, open } = await start(t);
    await finish(await open(1));
    await finish(await open(1));
    assert.equal(fake.links.length, 2);
  });

  test('that was given up leaves its connection to the next once the daemon has confirmed', async (t) => {
    const { open } = await start(t);
    const { stream, link, call } = await open(1);
    const closed = once(stream, 'close');
    stream.destroy();
    assert.equal((await link.next()).status, FrameStatus.error);
    link.write(packet(call, FrameStatus.ok));
    await closed;
    await finish(await open(1));
  });

  test('that was given up and never confirmed takes its connection with it', async (t) => {
    const { clock, open } = await start(t);
    const { stream, link } = await open(1);
    stream.destroy();
    await link.next();
    clock.advance(STREAM_ABORT_MS);
    await gone(link);
    await finish(await open(2));
  });

  test('that failed over there takes its connection with it', async (t) => {
    const { open } = await start(t);
    const { stream, link, call } = await open(1);
    const reading = stream.toArray();
    link.write(packet(call, FrameStatus.error, errorPayload(38, 18, 'cannot read')));
    await assert.rejects(reading, refusedWith(38));
    assert.equal((await link.next()).procedure, GOOD_BYE);
    await finish(await open(2));
  });

  test('whose opening is refused leaves its connection to the next', async (t) => {
    const { fake, connection, open } = await start(t);
    const opening = connection.openStream(domainOpenConsole, { dom: DOM }, WAIT);
    const link = await fake.link(1);
    const { procedure, serial } = await link.next();
    const refusal = errorPayload(9, 10, 'Active console session exists');
    link.write(message({ procedure, serial, status: FrameStatus.error }, refusal));
    await assert.rejects(opening, refusedWith(9));
    await finish(await open(1));
  });

  test('whose opening was given up takes its connection with it', async (t) => {
    const { fake, clock, connection } = await start(t);
    const opening = connection.openStream(storageVolDownload, DATA, { deadlineMs: 100 });
    const link = await fake.link(1);
    await link.next();
    clock.advance(100);
    await assert.rejects(opening, coded('BERTH_DEADLINE'));
    await gone(link);
  });

  test('beyond the bound waits for its turn, no longer than it may', async (t) => {
    const { fake, clock, connection, open } = await start(t);
    const first = await open(1);
    await open(2);
    const late = connection.openStream(storageVolDownload, DATA, { deadlineMs: 100 });
    clock.advance(100);
    await assert.rejects(late, coded('BERTH_DEADLINE', /never sent behind 2 open streams/));
    const third = connection.openStream(storageVolDownload, DATA, WAIT);
    await finish(first);
    first.link.write(reply(await first.link.next()));
    (await third).stream.on('error', () => undefined);
    assert.equal(fake.links.length, 3);
  });
});

describe('a connection that no stream uses', () => {
  test('is closed after a while', async (t) => {
    const { clock, open } = await start(t);
    const first = await open(1);
    await finish(first);
    clock.advance(BOUNDS.idleMs);
    assert.equal((await first.link.next()).procedure, GOOD_BYE);
  });

  test('is closed at once where enough are kept', async (t) => {
    const { open } = await start(t);
    const [first, second] = [await open(1), await open(2)];
    await finish(first);
    await finish(second);
    assert.equal((await second.link.next()).procedure, GOOD_BYE);
  });

  test('is not used when the daemon closed it meanwhile', async (t) => {
    const { connection, fake, open } = await start(t);
    const first = await open(1);
    await finish(first);
    first.link.hangUp();
    await gone(first.link);
    const calling = connection.call(connectGetHostname, {}, WAIT);
    fake.write(reply(await fake.next(), text('h')));
    await calling;
    await finish(await open(2));
  });
});

describe('the end of the main connection', () => {
  test('ends its streams, the idle ones and those being opened', async (t) => {
    const { fake, clock, connection, open } = await start(t);
    await finish(await open(1));
    const second = await open(1);
    const opening = connection.openStream(storageVolDownload, DATA, WAIT);
    const third = await fake.link(2);
    await third.next();
    const queued = connection.openStream(storageVolDownload, DATA, WAIT);
    const all = Promise.allSettled([second.stream.toArray(), opening, queued]);
    fake.hangUp();
    for (const one of await all) {
      assert.equal(one.status, 'rejected');
      coded('BERTH_CONNECTION_CLOSED')(one.reason);
    }
    await Promise.all([gone(second.link), gone(third)]);
    await assert.rejects(
      connection.openStream(storageVolDownload, DATA, WAIT),
      coded('BERTH_CONNECTION_CLOSED'),
    );
    assert.equal(clock.waiting, 0);
  });

  test('asked for does so too, with that reason', async (t) => {
    const { fake, connection, open } = await start(t);
    const { stream } = await open(1);
    const reading = stream.toArray();
    const closing = connection.close(WAIT);
    await assert.rejects(reading, coded('BERTH_CONNECTION_CLOSED', /closed here/));
    fake.write(reply(await fake.next()));
    await closing;
  });
});

describe('the places of a pool that ends', () => {
  const ENDING = berthError('BERTH_CONNECTION_CLOSED', { where: 'w', reason: 'r' });

  /** A pool of one place, held by a stream whose connection never comes unless it is refused. */
  function pool() {
    const connecting = Promise.withResolvers<WireConnection>();
    const parts = { clock: new ManualClock(), bounds: { ...BOUNDS, atOnce: 1 } };
    const streams = new StreamPool({ ...parts, connect: async () => connecting.promise });
    const first = streams.open(storageVolDownload, DATA, WAIT);
    return { streams, connecting, first };
  }

  async function isDrained(streams: StreamPool): Promise<boolean> {
    const now = new Promise<false>((resolve) => setImmediate(resolve, false));
    return Promise.race([streams.drained().then(() => true), now]);
  }

  test('are all free again, also one that was handed on in that moment', async () => {
    const { streams, connecting, first } = pool();
    const second = streams.open(storageVolDownload, DATA, WAIT);
    const ending = first.catch(() => streams.end(ENDING));
    connecting.reject(ENDING);
    await ending;
    await assert.rejects(second, coded('BERTH_CONNECTION_CLOSED'));
    assert.equal(await isDrained(streams), true);
  });

  test('are not free before their streams are, also when one that waits gives up in that moment', async () => {
    const { streams, connecting, first } = pool();
    const controller = new AbortController();
    const wait = { ...WAIT, signal: controller.signal };
    const second = streams.open(storageVolDownload, DATA, wait);
    controller.abort();
    streams.end(ENDING);
    await assert.rejects(second);
    assert.equal(await isDrained(streams), false);
    connecting.reject(ENDING);
    await assert.rejects(first);
    assert.equal(await isDrained(streams), true);
  });
});
