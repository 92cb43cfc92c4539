import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  BACKOFF_DEFAULT,
  connectGetHostname,
  connectGetUri,
  DomainEvent,
  lastingConnection,
} from '../../src/libvirt/index.ts';
import { WireConnection } from '../../src/libvirt/wire-connection.ts';
import { coded } from '../refusal.ts';
import { event, FakeDaemon, reply, text, wireDomain, words } from './fake-daemon.ts';
import { stage, type Stage } from './lasting-stage.ts';

const WAIT = { deadlineMs: 10_000 };
const CLOSE = 2;
const DEREGISTER = 317;

/** Steps of the opening sequence in which closing once hung, and some more. */
const MOMENTS = 16;

function lifecycle(callbackId: number, kind: number): Buffer {
  return event(318, callbackId, Buffer.concat([wireDomain('g'), words(kind, 0)]));
}

/** Has the connection replaced while the daemon lives on. */
async function replace({ clock, lasting, states }: Stage): Promise<void> {
  lasting.renew('for the test');
  clock.advance((await states.next('away')).retryInMs);
}

describe('closing', () => {
  test('ends it at whatever moment of its opening, and nothing comes behind the end', async (t) => {
    const fake = await FakeDaemon.start(t);
    let opened = Promise.withResolvers<void>();
    t.mock.method(WireConnection.prototype, 'introduce', () => opened.resolve());
    for (let moment = 0; moment < MOMENTS; moment++) {
      opened = Promise.withResolvers<void>();
      const phases: string[] = [];
      const lasting = lastingConnection(fake.uri, {
        environment: { uid: 0 },
        keepalive: 'off',
        random: () => 0,
        onState: ({ phase }) => phases.push(phase),
      });
      await opened.promise;
      for (let step = 0; step < moment; step++) await Promise.resolve();
      await lasting.close({ deadlineMs: 50 });
      assert.equal(phases.at(-1), 'ended', `moment ${moment}`);
      assert.equal(lasting.state.phase, 'ended');
    }
  });

  test('ends it when who hears that it is away does so', async (t) => {
    const closing = Promise.withResolvers<void>();
    const parts = await stage(t, {
      onState: ({ phase }) => {
        if (phase === 'open') parts.lasting.renew('for the test');
        if (phase === 'away') closing.resolve(parts.lasting.close(WAIT));
      },
    });
    await closing.promise;
    assert.equal(parts.lasting.state.phase, 'ended');
  });
});

describe('a registration that the connection before answers late', () => {
  test('changes nothing: what comes waits for the reading, and closing deregisters on the new one', async (t) => {
    let times = 0;
    const parts = await stage(t, {
      resync: async (connection, wait) => {
        if (times++ === 0) return;
        await connection.call(connectGetHostname, {}, wait);
        await connection.call(connectGetUri, {}, wait);
      },
    });
    await parts.states.next('open');
    const subscribing = parts.lasting.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const before = await parts.fake.link(0);
    const late = await before.next();
    await replace(parts);
    const link = await parts.fake.link(1);
    link.write(reply(await link.next(), words(7)));
    const reading = await link.next();
    const goodBye = await before.next();
    assert.equal(goodBye.procedure, CLOSE);
    before.write(reply(late, words(3)), reply(goodBye));
    if (!before.socket.closed) await once(before.socket, 'close');
    const feed = await subscribing;
    link.write(lifecycle(7, 2), reply(reading, text('h')));
    const last = await link.next();
    assert.deepEqual(feed.drain(), []);
    link.write(reply(last, text('u')));
    assert.equal((await feed.take(WAIT)).event, 2);
    const closing = feed.close(WAIT);
    const deregistering = await link.next();
    assert.equal(deregistering.procedure, DEREGISTER);
    assert.deepEqual(deregistering.payload, words(7));
    link.write(reply(deregistering));
    await closing;
  });

  test('and whose caller gave up is taken back where it is', async (t) => {
    const parts = await stage(t);
    await parts.states.next('open');
    const wait = { deadlineMs: 500 };
    const subscribing = parts.lasting.subscribe(DomainEvent.lifecycle, {}, wait);
    const settled = assert.rejects(subscribing, coded('BERTH_DEADLINE'));
    await (await parts.fake.link(0)).next();
    await replace(parts);
    const link = await parts.fake.link(1);
    link.write(reply(await link.next(), words(7)));
    await parts.states.next('open');
    parts.clock.advance(500);
    await settled;
    const deregistering = await link.next();
    assert.equal(deregistering.procedure, DEREGISTER);
    assert.deepEqual(deregistering.payload, words(7));
  });
});

test('a reading is told to stop when its connection is let go', async (t) => {
  const begun = Promise.withResolvers<AbortSignal | undefined>();
  const parts = await stage(t, {
    resync: async (_, { signal }) => {
      begun.resolve(signal);
      await new Promise<never>(() => undefined);
    },
  });
  const signal = await begun.promise;
  assert.equal(signal?.aborted, false);
  parts.lasting.renew('for the test');
  await parts.states.next('away');
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(signal?.aborted, true);
});

test('times that a timer cannot hold are refused', () => {
  const options = { environment: { uid: 0 }, random: () => 0 };
  const refused = (more: object): void =>
    assert.throws(
      () => lastingConnection('qemu:///system', { ...options, ...more }),
      coded('BERTH_SPEC_INVALID'),
    );
  for (const ms of [0, NaN, 5e9, Infinity]) {
    for (const name of ['firstMs', 'longestMs', 'steadyMs']) {
      refused({ backoff: { ...BACKOFF_DEFAULT, [name]: ms } });
    }
    refused({ connectMs: ms });
    refused({ resyncMs: ms });
  }
});
