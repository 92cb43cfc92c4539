import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import { connectGetHostname, domainResume } from '../../src/libvirt/index.ts';
import { WINDOW } from '../../src/libvirt/rpc/call-table.ts';
import { DOM, FakeDaemon, reply, text, WAIT } from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';
import { coded } from '../refusal.ts';

describe('closing a connection', () => {
  test('says good-bye, lets sent calls end and refuses new ones', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const sent = connection.call(connectGetHostname, {}, WAIT);
    const frame = await fake.next();
    const closing = connection.close(WAIT);
    await assert.rejects(
      connection.call(connectGetHostname, {}, WAIT),
      coded('BERTH_CONNECTION_CLOSED', /closed here/),
    );
    const goodBye = await fake.next();
    assert.equal(goodBye.procedure, 2);
    fake.write(reply(frame, text('h')), reply(goodBye));
    assert.deepEqual(await sent, { hostname: 'h' });
    await closing;
    assert.equal((await connection.closed).asked, true);
    await connection.close(WAIT); // a second time does nothing
  });

  test('refuses at once what was never sent, and what was sent at its deadline', async (t) => {
    const clock = new ManualClock();
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { clock });
    const sent = Array.from({ length: WINDOW }, async () =>
      connection.call(domainResume, { dom: DOM }, WAIT),
    );
    const queued = Array.from({ length: 3000 }, async () =>
      connection.call(domainResume, { dom: DOM }, WAIT),
    );
    const over = Promise.allSettled(sent);
    for (let i = 0; i < WINDOW; i++) await fake.next();
    const closing = connection.close({ deadlineMs: 100 });
    const closed = coded('BERTH_CONNECTION_CLOSED', /closed here/);
    for (const one of queued) await assert.rejects(one, closed);
    assert.equal((await fake.next()).procedure, 2);
    clock.advance(100);
    await closing;
    for (const one of await over) {
      assert.ok(one.status === 'rejected' && isBerthError(one.reason, 'BERTH_OUTCOME_UNKNOWN'));
    }
    assert.deepEqual(fake.pending, []);
  });

  test('does not wait longer than it may', async (t) => {
    const clock = new ManualClock();
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { clock });
    const closing = connection.close({ deadlineMs: 100 });
    assert.equal((await fake.next()).procedure, 2);
    clock.advance(100);
    await closing;
    assert.equal(clock.waiting, 0);
  });

  test('says good-bye even when the window is full of stuck calls', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const stuck = Promise.allSettled(
      Array.from({ length: WINDOW }, async () => connection.call(connectGetHostname, {}, WAIT)),
    );
    for (let i = 0; i < WINDOW; i++) await fake.next();
    const closing = connection.close(WAIT);
    fake.write(reply(await fake.next()));
    await closing;
    assert.ok((await stuck).every((one) => one.status === 'rejected'));
  });
});
