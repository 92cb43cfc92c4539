import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  connectGetHostname,
  DomainEvent,
  NetworkEvent,
  type EventFeed,
} from '../../src/libvirt/index.ts';
import {
  event,
  FakeDaemon,
  lifecycle,
  reply,
  text,
  WAIT,
  wireDomain,
  words,
} from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';
import { coded } from '../refusal.ts';

const UUID = '07070707-0707-0707-0707-070707070707';

async function kinds(feed: EventFeed<{ readonly event: number }>, count: number) {
  const seen: number[] = [];
  while (seen.length < count) seen.push((await feed.take(WAIT)).event);
  return seen;
}

describe('a subscription', () => {
  test('registers for the kind and for one object or all', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const all = connection.subscribe(DomainEvent.metadataChange, {}, WAIT);
    const frame = await fake.next();
    assert.equal(frame.procedure, 316);
    assert.deepEqual(frame.payload, words(23, 0));
    fake.write(reply(frame, words(0)));
    await all;
    const object = { name: 'g', uuid: UUID, id: 1 };
    const one = connection.subscribe(DomainEvent.lifecycle, { object }, WAIT);
    const second = await fake.next();
    assert.deepEqual(second.payload, Buffer.concat([words(0, 1), wireDomain('g')]));
    fake.write(reply(second, words(1)));
    await one;
  });

  test('misses nothing that stands in the same chunk as its reply, callback id 0 included', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const subscribing = connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    fake.write(reply(await fake.next(), words(0)), lifecycle(0, 4), lifecycle(0, 2, 1));
    const feed = await subscribing;
    assert.deepEqual(feed.drain(), [
      { dom: { name: 'g', uuid: UUID, id: 1 }, event: 4, detail: 0 },
      { dom: { name: 'g', uuid: UUID, id: 1 }, event: 2, detail: 1 },
    ]);
  });

  test('misses nothing that overtakes its reply', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const subscribing = connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    fake.write(lifecycle(7, 2), lifecycle(8, 5), reply(await fake.next(), words(7)));
    const feed = await subscribing;
    assert.deepEqual(await kinds(feed, 1), [2]);
    assert.deepEqual(feed.drain(), []); // 8 belongs to nobody
  });

  test('says so where more overtakes its reply than is kept', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const subscribing = connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const early = Array.from({ length: 1025 }, () => lifecycle(7, 2));
    fake.write(...early, reply(await fake.next(), words(7)));
    const feed = await subscribing;
    assert.equal(feed.drain().length, 1024);
    assert.throws(() => feed.drain(), coded('BERTH_OVERFLOW'));
  });

  test('is told apart from one of another source with the same callback id', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const first = connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    fake.write(reply(await fake.next(), words(3)));
    const second = connection.subscribe(NetworkEvent.lifecycle, {}, WAIT);
    fake.write(reply(await fake.next(), words(3)));
    const [domains, networks] = [await first, await second];
    const net = Buffer.concat([text('n'), Buffer.alloc(16, 7), words(2, 0)]);
    fake.write(event(315, 3, net), lifecycle(3, 5));
    assert.deepEqual(await networks.take(WAIT), {
      net: { name: 'n', uuid: UUID },
      event: 2,
      detail: 0,
    });
    assert.deepEqual(await kinds(domains, 1), [5]);
    assert.deepEqual(networks.drain(), []);
  });

  test('that was given up before its reply is taken back when the reply comes', async (t) => {
    const clock = new ManualClock();
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { clock });
    const subscribing = connection.subscribe(DomainEvent.lifecycle, {}, { deadlineMs: 100 });
    const frame = await fake.next();
    clock.advance(100);
    await assert.rejects(subscribing, coded('BERTH_DEADLINE'));
    fake.write(reply(frame, words(5)));
    const deregister = await fake.next();
    assert.equal(deregister.procedure, 317);
    assert.deepEqual(deregister.payload, words(5));
    fake.write(reply(deregister));
  });
});

describe('a feed', () => {
  async function open(t: Parameters<typeof FakeDaemon.start>[0], limit?: number) {
    const clock = new ManualClock();
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { clock });
    const subscribing = connection.subscribe(DomainEvent.lifecycle, { limit }, WAIT);
    fake.write(reply(await fake.next(), words(0)));
    const feed = await subscribing;
    /** Sends bytes and waits until the client has taken them, by a call behind them. */
    const send = async (...parts: readonly Buffer[]) => {
      const call = connection.call(connectGetHostname, {}, WAIT);
      fake.write(...parts, reply(await fake.next(), text('h')));
      await call;
    };
    return { clock, fake, connection, feed, send };
  }

  test('says where events were dropped, once, and goes on behind the gap', async (t) => {
    const { feed, send } = await open(t, 2);
    await send(lifecycle(0, 0), lifecycle(0, 1), lifecycle(0, 2), lifecycle(0, 3));
    assert.deepEqual(await kinds(feed, 2), [0, 1]);
    await assert.rejects(feed.take(WAIT), coded('BERTH_OVERFLOW'));
    await send(lifecycle(0, 5));
    assert.deepEqual(await kinds(feed, 1), [5]);
  });

  test('drained tells a gap after what came before it', async (t) => {
    const { feed, send } = await open(t, 1);
    await send(lifecycle(0, 0), lifecycle(0, 1));
    assert.equal(feed.drain().length, 1);
    assert.throws(() => feed.drain(), coded('BERTH_OVERFLOW'));
    assert.deepEqual(feed.drain(), []);
  });

  test('says that an event could not be read', async (t) => {
    const { feed, send } = await open(t);
    await send(lifecycle(0, 0), event(318, 0, words(99)), lifecycle(0, 1));
    assert.deepEqual(await kinds(feed, 1), [0]);
    await assert.rejects(feed.take(WAIT), coded('BERTH_PROTOCOL'));
    assert.deepEqual(feed.drain(), []); // what followed the lost event belongs to the gap
  });

  test('waits no longer than it may', async (t) => {
    const { feed, clock } = await open(t);
    const timers = clock.waiting;
    const waiting = feed.take({ deadlineMs: 50 });
    clock.advance(50);
    await assert.rejects(waiting, coded('BERTH_DEADLINE'));
    const controller = new AbortController();
    const second = feed.take({ deadlineMs: 50, signal: controller.signal });
    controller.abort();
    await assert.rejects(second, coded('BERTH_INTERRUPTED'));
    assert.equal(clock.waiting, timers);
  });

  test('hands out nothing to a caller interrupted before, and keeps it for the next', async (t) => {
    const { feed, send, clock } = await open(t);
    await send(lifecycle(0, 4));
    const signal = AbortSignal.abort(new Error('enough'));
    await assert.rejects(feed.take({ ...WAIT, signal }), coded('BERTH_INTERRUPTED'));
    assert.deepEqual(await kinds(feed, 1), [4]);
    assert.equal(clock.waiting, 1); // the one that all calls of the connection share
  });

  test('ends quietly when it is closed over a gap', async (t) => {
    const { feed, send, fake } = await open(t, 1);
    await send(lifecycle(0, 0), lifecycle(0, 1));
    const closing = feed.close(WAIT);
    fake.write(reply(await fake.next()));
    await closing;
    for await (const { event } of feed) assert.fail(`event ${event} after the end`);
  });

  test('loops until it is closed, and tells the daemon', async (t) => {
    const { feed, send, fake } = await open(t);
    const seen: number[] = [];
    const looping = (async () => {
      for await (const { event } of feed) seen.push(event);
    })();
    await send(lifecycle(0, 0), lifecycle(0, 1));
    const closing = feed.close(WAIT);
    const deregister = await fake.next();
    assert.equal(deregister.procedure, 317);
    fake.write(reply(deregister));
    await closing;
    await looping;
    assert.deepEqual(seen, [0, 1]);
  });

  test('is closed by leaving its loop', async (t) => {
    const { feed, send, fake } = await open(t);
    await send(lifecycle(0, 0));
    const looping = (async () => {
      for await (const _ of feed) break;
    })();
    const deregister = await fake.next();
    assert.equal(deregister.procedure, 317);
    fake.write(reply(deregister));
    await looping;
    await assert.rejects(feed.take(WAIT), coded('BERTH_CONNECTION_CLOSED'));
  });

  test('tells the end of its connection after the events before it', async (t) => {
    const { feed, send, fake, connection } = await open(t);
    await send(lifecycle(0, 0));
    fake.hangUp();
    await connection.closed;
    assert.deepEqual(await kinds(feed, 1), [0]);
    await assert.rejects(feed.take(WAIT), coded('BERTH_CONNECTION_CLOSED'));
    await assert.rejects(async () => {
      for await (const _ of feed);
    }, coded('BERTH_CONNECTION_CLOSED'));
  });
});
