import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  BACKOFF_DEFAULT,
  connectGetHostname,
  connectGetUri,
  DomainEvent,
  domainOpenConsole,
  domainResume,
  lastingConnection,
  type EventFeed,
} from '../../src/libvirt/index.ts';
import { pauseMs, prospectOf } from '../../src/libvirt/lasting/backoff.ts';
import { WINDOW } from '../../src/libvirt/rpc/call-table.ts';
import { FrameStatus } from '../../src/libvirt/rpc/frame.ts';
import { berthError } from '../../src/base/errors.ts';
import {
  DOM,
  errorPayload,
  lifecycle,
  message,
  packet,
  reply,
  text,
  WAIT,
  words,
} from './fake-daemon.ts';
import { BACKOFF, restart, stage, type Stage } from './lasting-stage.ts';
import { coded, refusedWith } from '../refusal.ts';

const REGISTER = 316;

async function subscribe({ fake, lasting }: Stage, link: number) {
  const subscribing = lasting.subscribe(DomainEvent.lifecycle, {}, WAIT);
  const side = await fake.link(link);
  side.write(reply(await side.next(), words(3)));
  return subscribing;
}

async function kind(feed: EventFeed<{ readonly event: number }>): Promise<number> {
  return (await feed.take(WAIT)).event;
}

describe('the pauses', () => {
  test('double up to the longest, half of each left to chance', () => {
    const of = (failures: number, chance: number) => pauseMs(BACKOFF_DEFAULT, failures, chance);
    assert.deepEqual(
      [1, 2, 3, 9, 99].map((n) => of(n, 0)),
      [100, 200, 400, 15_000, 15_000],
    );
    assert.deepEqual(
      [1, 2, 3].map((n) => of(n, 0.5)),
      [150, 300, 600],
    );
    assert.ok(of(Infinity, 0.999) <= BACKOFF_DEFAULT.longestMs);
  });

  test('are the longest at once where somebody has to do something over there', () => {
    const refused = berthError('BERTH_PERMISSION', { what: 's', reason: 'EACCES', remedy: 'r' });
    assert.equal(prospectOf(refused), 'seldom');
    assert.equal(prospectOf(berthError('BERTH_URI_INVALID', { uri: 'u', problem: 'p' })), 'never');
    const gone = berthError('BERTH_CONNECTION_CLOSED', { where: 'w', reason: 'r' });
    assert.equal(prospectOf(gone), 'soon');
    assert.equal(prospectOf(new Error('of the resync')), 'soon');
  });

  test('grow while nobody listens, and are told', async (t) => {
    const { fake, clock, states } = await stage(t);
    await states.next('open');
    fake.die();
    const pauses = [];
    for (let round = 0; round < 6; round++) {
      const { retryInMs, error } = await states.next('away');
      coded('BERTH_CONNECTION_CLOSED')(error);
      pauses.push(retryInMs);
      clock.advance(retryInMs);
    }
    assert.deepEqual(pauses, [50, 100, 200, 400, 500, 500]);
  });

  test('begin anew after a connection that lasted', async (t) => {
    const parts = await stage(t);
    const { fake, clock, states } = parts;
    await states.next('open');
    fake.die();
    for (let round = 0; round < 3; round++) clock.advance((await states.next('away')).retryInMs);
    const { retryInMs } = await states.next('away');
    assert.equal(retryInMs, 400);
    await fake.listen();
    clock.advance(retryInMs);
    await states.next('open');
    clock.advance(BACKOFF.steadyMs);
    fake.die();
    assert.equal((await states.next('away')).retryInMs, 50);
  });

  test('are cut short by who cannot wait', async (t) => {
    const { fake, states, lasting } = await stage(t);
    await states.next('open');
    fake.die();
    await states.next('away');
    await fake.listen();
    lasting.renew('the host was started');
    await states.next('open');
  });
});

describe('a call', () => {
  test('made before the first connection or while it is away waits for it, and is sent once', async (t) => {
    const parts = await stage(t);
    const { fake, states, lasting } = parts;
    const early = lasting.call(connectGetHostname, {}, WAIT);
    fake.write(reply(await fake.next(), text('h0')));
    assert.deepEqual(await early, { hostname: 'h0' });
    fake.die();
    const { retryInMs } = await states.next('away');
    const waiting = lasting.call(domainResume, { dom: DOM }, WAIT);
    await fake.listen();
    parts.clock.advance(retryInMs);
    const link = await fake.link(1);
    link.write(reply(await link.next()));
    await waiting;
    assert.equal(link.log.filter((frame) => frame.procedure === domainResume.number).length, 1);
  });

  test('that was on its way keeps its outcome unknown; those behind it go on to the next connection', async (t) => {
    const parts = await stage(t);
    const { fake, lasting } = parts;
    await parts.states.next('open');
    const sent = Array.from({ length: WINDOW }, async () =>
      lasting.call(domainResume, { dom: DOM }, WAIT),
    );
    const settled = Promise.allSettled(sent);
    const unsent = lasting.call(connectGetUri, {}, WAIT);
    for (let i = 0; i < WINDOW; i++) await fake.next();
    await restart(parts);
    for (const one of await settled) {
      assert.equal(one.status, 'rejected');
      coded('BERTH_OUTCOME_UNKNOWN')(one.reason);
    }
    const link = await fake.link(1);
    const moved = await link.next();
    assert.equal(moved.procedure, connectGetUri.number);
    link.write(reply(moved, text('u')));
    assert.deepEqual(await unsent, { uri: 'u' });
    assert.deepEqual(link.pending, []);
  });

  test('waits no longer than its deadline and its signal, and says that it never left', async (t) => {
    const { fake, clock, states, lasting } = await stage(t);
    await states.next('open');
    fake.die();
    await states.next('away');
    const late = lasting.call(domainResume, { dom: DOM }, { deadlineMs: 40 });
    const controller = new AbortController();
    const wait = { ...WAIT, signal: controller.signal };
    const dropped = lasting.call(domainResume, { dom: DOM }, wait);
    clock.advance(40);
    await assert.rejects(late, coded('BERTH_DEADLINE', /domainResume, never sent while/));
    controller.abort();
    await assert.rejects(dropped, coded('BERTH_INTERRUPTED'));
  });

  test('of four whose callers gave up get the connection replaced, and its streams go on', async (t) => {
    const parts = await stage(t);
    const { fake, clock, states, lasting } = parts;
    await states.next('open');
    const opening = lasting.openStream(domainOpenConsole, { dom: DOM }, WAIT);
    const side = await fake.link(1);
    const console = await side.next();
    side.write(reply(console));
    const { stream } = await opening;
    const stuck = Array.from({ length: WINDOW }, async () =>
      lasting.call(connectGetHostname, {}, { deadlineMs: 30 }),
    );
    const settled = Promise.allSettled(stuck);
    for (let i = 0; i < WINDOW; i++) await fake.next();
    const behind = lasting.call(connectGetHostname, {}, WAIT);
    clock.advance(30);
    await settled;
    const { error, retryInMs } = await states.next('away');
    coded('BERTH_CONNECTION_CLOSED', /callers of all 4 calls/)(error);
    clock.advance(retryInMs);
    const next = await fake.link(2);
    next.write(reply(await next.next(), text('h')));
    assert.deepEqual(await behind, { hostname: 'h' });
    stream.write('still here\n');
    assert.equal((await side.next()).payload.toString(), 'still here\n');
    const first = await fake.link(0);
    assert.equal(first.socket.destroyed, false);
    stream.destroy();
    side.write(packet(console, FrameStatus.ok));
    const goodBye = await first.next();
    assert.equal(goodBye.procedure, 2);
  });
});

describe('a subscription', () => {
  test('is registered again first, then everything is read, then its feed goes on behind a gap', async (t) => {
    const order: string[] = [];
    const parts = await stage(t, {
      resync: async (connection, wait) => {
        const { hostname } = await connection.call(connectGetHostname, {}, wait);
        order.push(`read ${hostname}`);
      },
    });
    const { fake, states } = parts;
    fake.write(reply(await fake.next(), text('h0')));
    await states.next('open');
    const feed = await subscribe(parts, 0);
    fake.write(lifecycle(3, 0));
    assert.equal(await kind(feed), 0);
    fake.write(lifecycle(3, 1));
    await restart(parts);
    const link = await fake.link(1);
    const registering = await link.next();
    assert.equal(registering.procedure, REGISTER);
    link.write(reply(registering, words(7)), lifecycle(7, 4));
    const reading = await link.next();
    assert.equal(reading.procedure, connectGetHostname.number);
    assert.equal(await kind(feed), 1);
    const next = kind(feed).then(
      (value) => order.push(`event ${value}`),
      (error: unknown) => {
        coded('BERTH_EVENTS_MISSED', /domainEventCallbackLifecycle|lifecycle/i)(error);
        order.push('gap');
      },
    );
    link.write(lifecycle(7, 5), reply(reading, text('h1')));
    await next;
    assert.deepEqual(order, ['read h0', 'read h1', 'gap']);
    assert.deepEqual([await kind(feed), await kind(feed)], [4, 5]);
  });

  test('asked for before the first connection is registered before the first reading', async (t) => {
    const parts = await stage(t, {
      resync: async (connection, wait) =>
        void (await connection.call(connectGetHostname, {}, wait)),
    });
    const { fake, lasting } = parts;
    const subscribing = lasting.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const registering = await fake.next();
    assert.equal(registering.procedure, REGISTER);
    fake.write(reply(registering, words(3)), lifecycle(3, 2));
    const feed = await subscribing;
    const reading = await fake.next();
    assert.deepEqual(feed.drain(), []); // it waits for the reading
    fake.write(reply(reading, text('h')));
    assert.equal(await kind(feed), 2); // and no gap: there was no time before
  });

  test('asked for during the reading is registered behind it', async (t) => {
    const parts = await stage(t, {
      resync: async (connection, wait) =>
        void (await connection.call(connectGetHostname, {}, wait)),
    });
    const { fake, lasting, states } = parts;
    const reading = await fake.next();
    const subscribing = lasting.subscribe(DomainEvent.lifecycle, {}, WAIT);
    fake.write(reply(reading, text('h')));
    await states.next('open');
    fake.write(reply(await fake.next(), words(3)), lifecycle(3, 2));
    assert.equal(await kind(await subscribing), 2);
  });

  test('that libvirt refuses on the new connection ends alone, with that refusal', async (t) => {
    const parts = await stage(t);
    const { fake, lasting, states } = parts;
    await states.next('open');
    const feed = await subscribe(parts, 0);
    await restart(parts);
    const link = await fake.link(1);
    const { procedure, serial } = await link.next();
    const refusal = errorPayload(3, 10, 'no such event');
    link.write(message({ procedure, serial, status: FrameStatus.error }, refusal));
    await states.next('open');
    await assert.rejects(feed.take(WAIT), coded('BERTH_LIBVIRT_REFUSED'));
    assert.equal(lasting.state.phase, 'open');
  });

  test('that libvirt refuses at first is refused to its caller', async (t) => {
    const { fake, lasting, states } = await stage(t);
    await states.next('open');
    const subscribing = lasting.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const { procedure, serial } = await fake.next();
    const refusal = errorPayload(3, 10, 'no such event');
    fake.write(message({ procedure, serial, status: FrameStatus.error }, refusal));
    await assert.rejects(subscribing, refusedWith(3));
  });

  test('that was closed while away is not registered again', async (t) => {
    const parts = await stage(t);
    const { fake, states, lasting, clock } = parts;
    await states.next('open');
    const feed = await subscribe(parts, 0);
    fake.die();
    const { retryInMs } = await states.next('away');
    await feed.close(WAIT);
    await fake.listen();
    clock.advance(retryInMs);
    await states.next('open');
    const call = lasting.call(connectGetHostname, {}, WAIT);
    const link = await fake.link(1);
    link.write(reply(await link.next(), text('h')));
    await call;
    assert.ok(link.log.every((frame) => frame.procedure !== REGISTER));
  });

  test('says once that events are missing, however often the connection went', async (t) => {
    const parts = await stage(t);
    const { fake, states } = parts;
    await states.next('open');
    const feed = await subscribe(parts, 0);
    for (const number of [1, 2]) {
      await restart(parts);
      const link = await fake.link(number);
      link.write(reply(await link.next(), words(number)));
      await states.next('open');
    }
    (await fake.link(2)).write(lifecycle(2, 5));
    await assert.rejects(kind(feed), coded('BERTH_EVENTS_MISSED'));
    assert.equal(await kind(feed), 5);
  });
});

describe('a resync that fails', () => {
  test('ends that connection, and the next one tries it again', async (t) => {
    let times = 0;
    const parts = await stage(t, {
      resync: async () => {
        if (times++ === 0) throw new Error('a domain could not be read');
      },
    });
    const { retryInMs, error } = await parts.states.next('away');
    assert.match(String(error), /a domain could not be read/);
    parts.clock.advance(retryInMs);
    await parts.states.next('open');
  });

  test('or takes too long does so too', async (t) => {
    const hanging = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const parts = await stage(t, {
      resyncMs: 500,
      resync: async () => {
        begun.resolve();
        await hanging.promise;
      },
    });
    await begun.promise;
    parts.clock.advance(500);
    coded('BERTH_DEADLINE', /anew/)((await parts.states.next('away')).error);
  });
});

describe('the end', () => {
  test('asked for rejects everything that waits and ends the feeds', async (t) => {
    const parts = await stage(t);
    const { fake, lasting, states } = parts;
    await states.next('open');
    const feed = await subscribe(parts, 0);
    fake.die();
    await states.next('away');
    const call = lasting.call(connectGetHostname, {}, WAIT);
    const stream = lasting.openStream(domainOpenConsole, { dom: DOM }, WAIT);
    const second = lasting.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const all = Promise.allSettled([call, stream, second, feed.take(WAIT)]);
    await lasting.close(WAIT);
    for (const one of await all) {
      assert.equal(one.status, 'rejected');
      coded('BERTH_CONNECTION_CLOSED', /closed here/)(one.reason);
    }
    assert.equal((await lasting.closed).asked, true);
    assert.equal(lasting.state.phase, 'ended');
    await assert.rejects(
      lasting.call(connectGetHostname, {}, WAIT),
      coded('BERTH_CONNECTION_CLOSED'),
    );
    assert.equal(parts.clock.waiting, 0);
  });

  test('asked for while open says good-bye', async (t) => {
    const { fake, lasting, states } = await stage(t);
    await states.next('open');
    const closing = lasting.close(WAIT);
    const goodBye = await fake.next();
    assert.equal(goodBye.procedure, 2);
    fake.write(reply(goodBye));
    await closing;
  });

  test('comes by itself only where nothing but another URI would help', async () => {
    const options = { environment: { uid: 0 }, random: () => 0 };
    assert.throws(() => lastingConnection('no URI', options), coded('BERTH_URI_INVALID'));
    const tooLong = lastingConnection(`qemu:///system?socket=/${'x'.repeat(200)}`, options);
    const { asked, error } = await tooLong.closed;
    assert.equal(asked, false);
    coded('BERTH_TOO_LARGE')(error);
    await assert.rejects(tooLong.call(connectGetHostname, {}, WAIT), coded('BERTH_TOO_LARGE'));
  });
});
