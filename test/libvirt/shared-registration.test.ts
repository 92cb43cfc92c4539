import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import {
  connectGetHostname,
  DomainEvent,
  domainOf,
  ErrorCode,
  type Connection,
  type EventFeed,
} from '../../src/libvirt/index.ts';
import { FrameStatus, FrameType, type Frame } from '../../src/libvirt/rpc/frame.ts';
import { coded, refusedWith } from '../refusal.ts';
import {
  errorPayload,
  FakeDaemon,
  lifecycle,
  message,
  reply,
  text,
  WAIT,
  words,
} from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';

const REGISTER = 316;
const DEREGISTER = 317;

function refusal({ procedure, serial }: Frame): Buffer {
  const payload = errorPayload(ErrorCode.invalidArg, 0, 'no');
  return message({ procedure, serial, type: FrameType.reply, status: FrameStatus.error }, payload);
}

async function start(t: TestContext) {
  const clock = new ManualClock();
  const fake = await FakeDaemon.start(t);
  const connection = await fake.connect(t, { clock });
  const call = async (procedure: number): Promise<Frame> => {
    const frame = await fake.next();
    assert.equal(frame.procedure, procedure);
    return frame;
  };
  return { clock, fake, connection, call };
}

const subscribe = async (connection: Connection, wait = WAIT) =>
  connection.subscribe(DomainEvent.lifecycle, {}, wait);

const told = async (feed: EventFeed<{ readonly event: number }>) => (await feed.take(WAIT)).event;

describe('feeds of the same events on one connection', () => {
  test('share a registration, and each gets all events from when it joined', async (t) => {
    const { fake, connection, call } = await start(t);
    const first = subscribe(connection);
    const early = subscribe(connection);
    fake.write(reply(await call(REGISTER), words(4)), lifecycle(4, 1));
    const [one, two] = [await first, await early];
    assert.equal(await told(one), 1);
    const three = await subscribe(connection);
    fake.write(lifecycle(4, 2));
    assert.equal(await told(three), 2);
    assert.deepEqual([await told(two), await told(two)], [1, 2]);
    assert.equal(await told(one), 2);
    assert.deepEqual(fake.pending, []);
  });

  test('are many in their limits: one that nobody reads costs the others nothing', async (t) => {
    const { fake, connection, call } = await start(t);
    const slow = connection.subscribe(DomainEvent.lifecycle, { limit: 1 }, WAIT);
    fake.write(reply(await call(REGISTER), words(0)));
    const [unread, feed] = [await slow, await subscribe(connection)];
    fake.write(lifecycle(0, 1), lifecycle(0, 2), lifecycle(0, 3));
    assert.deepEqual([await told(feed), await told(feed), await told(feed)], [1, 2, 3]);
    assert.equal(await told(unread), 1);
    await assert.rejects(unread.take(WAIT), coded('BERTH_OVERFLOW'));
  });

  test('have the daemon told by the last one, and a later one begins anew', async (t) => {
    const { fake, connection, call } = await start(t);
    const first = subscribe(connection);
    fake.write(reply(await call(REGISTER), words(0)));
    const [one, two] = [await first, await subscribe(connection)];
    await one.close(WAIT);
    fake.write(lifecycle(0, 5));
    assert.equal(await told(two), 5);
    const closing = two.close(WAIT);
    const later = subscribe(connection);
    const farewell = await call(DEREGISTER);
    assert.deepEqual(farewell.payload, words(0));
    assert.deepEqual(fake.pending, []); // the daemon might take up a registration first
    fake.write(reply(farewell));
    await closing;
    fake.write(reply(await call(REGISTER), words(1)), lifecycle(1, 6));
    assert.equal(await told(await later), 6);
  });

  test('wait by their own deadlines: who gives up takes nothing from the others', async (t) => {
    const { fake, connection, call, clock } = await start(t);
    const hasty = subscribe(connection, { deadlineMs: 100 });
    const patient = subscribe(connection);
    const frame = await call(REGISTER);
    clock.advance(100);
    await assert.rejects(hasty, coded('BERTH_DEADLINE'));
    fake.write(reply(frame, words(0)), lifecycle(0, 3));
    assert.equal(await told(await patient), 3);
    assert.deepEqual(fake.pending, []);
  });

  test('all hear why they were refused, and the next may ask again', async (t) => {
    const { fake, connection, call } = await start(t);
    const both = [subscribe(connection), subscribe(connection)];
    fake.write(refusal(await call(REGISTER)));
    for (const one of both) await assert.rejects(one, refusedWith(ErrorCode.invalidArg));
    const next = subscribe(connection);
    fake.write(reply(await call(REGISTER), words(0)));
    await next;
  });

  test('all end with their connection, and so does one that waits for a farewell', async (t) => {
    const { fake, connection, call } = await start(t);
    const first = subscribe(connection);
    fake.write(reply(await call(REGISTER), words(0)));
    const feeds = [await first, await subscribe(connection)];
    const other = connection.subscribe(DomainEvent.reboot, {}, WAIT);
    fake.write(reply(await call(REGISTER), words(1)));
    const closing = (await other).close(WAIT);
    await call(DEREGISTER);
    const waiting = connection.subscribe(DomainEvent.reboot, {}, WAIT);
    fake.hangUp();
    await assert.rejects(waiting, coded('BERTH_CONNECTION_CLOSED'));
    await closing;
    for (const feed of feeds) {
      await assert.rejects(feed.take(WAIT), coded('BERTH_CONNECTION_CLOSED'));
    }
  });
});

describe('a registration that everybody gave up', () => {
  test('is taken back when its reply comes, and another made only then', async (t) => {
    const { fake, connection, call, clock } = await start(t);
    const given = subscribe(connection, { deadlineMs: 100 });
    const frame = await call(REGISTER);
    clock.advance(100);
    await assert.rejects(given, coded('BERTH_DEADLINE'));
    const next = subscribe(connection);
    fake.write(reply(frame, words(7)));
    const farewell = await call(DEREGISTER);
    assert.deepEqual(farewell.payload, words(7));
    assert.deepEqual(fake.pending, []);
    fake.write(reply(farewell));
    fake.write(reply(await call(REGISTER), words(8)), lifecycle(8, 2));
    assert.equal(await told(await next), 2);
  });

  test('is forgotten when its reply is a refusal', async (t) => {
    const { fake, connection, call, clock } = await start(t);
    const given = subscribe(connection, { deadlineMs: 100 });
    const frame = await call(REGISTER);
    clock.advance(100);
    await assert.rejects(given, coded('BERTH_DEADLINE'));
    const next = subscribe(connection);
    fake.write(refusal(frame));
    fake.write(reply(await call(REGISTER), words(0)));
    await next;
  });

  test('is never sent when it had not left', async (t) => {
    const { fake, connection, call, clock } = await start(t);
    const busy = [0, 1, 2, 3].map(async (id) =>
      connection.subscribe(DomainEvent.lifecycle, { object: guest(id) }, WAIT),
    );
    const frames = [];
    for (const _ of busy) frames.push(await call(REGISTER));
    const given = subscribe(connection, { deadlineMs: 100 });
    clock.advance(100);
    await assert.rejects(given, coded('BERTH_DEADLINE'));
    for (const [id, frame] of frames.entries()) fake.write(reply(frame, words(id)));
    await Promise.all(busy);
    const next = subscribe(connection);
    assert.deepEqual((await call(REGISTER)).payload, words(0, 0));
    fake.hangUp();
    await assert.rejects(next, coded('BERTH_CONNECTION_CLOSED'));
  });

  test('is taken back by another attempt when the first could not leave in time', async (t) => {
    const { fake, connection, call, clock } = await start(t);
    const first = subscribe(connection);
    fake.write(reply(await call(REGISTER), words(0)));
    const feed = await first;
    const busy = [0, 1, 2, 3].map(async (id) =>
      connection.subscribe(DomainEvent.lifecycle, { object: guest(id) }, WAIT),
    );
    const frames = [];
    for (const _ of busy) frames.push(await call(REGISTER));
    const closing = feed.close({ deadlineMs: 100 });
    clock.advance(6000);
    await closing;
    for (const [id, frame] of frames.entries()) fake.write(reply(frame, words(id + 1)));
    await Promise.all(busy);
    assert.deepEqual((await call(DEREGISTER)).payload, words(0));
  });
});

/** One of several domains. */
function guest(id: number) {
  return { name: 'g', uuid: `0707070${id}-0707-0707-0707-070707070707`, id };
}

test('a registration that is never answered costs a later one nothing, however much comes for it', async (t) => {
  const { fake, connection, call } = await start(t);
  const object = domainOf('07070707-0707-0707-0707-070707070707');
  const hanging = connection.subscribe(DomainEvent.lifecycle, { object }, WAIT);
  const settled = Promise.allSettled([hanging]);
  await call(REGISTER);
  const reading = connection.call(connectGetHostname, {}, WAIT);
  const asked = await fake.next();
  fake.write(...Array.from({ length: 1025 }, () => lifecycle(9, 2)), reply(asked, text('h')));
  await reading;
  const subscribing = subscribe(connection);
  fake.write(lifecycle(4, 1), reply(await call(REGISTER), words(4)), lifecycle(4, 3));
  const feed = await subscribing;
  assert.deepEqual([await told(feed), await told(feed)], [1, 3]);
  fake.hangUp();
  await settled;
});
