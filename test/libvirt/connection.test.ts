import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import {
  connect,
  connectGetHostname,
  connectGetUri,
  domainDestroyFlags,
  domainLookupByName,
  domainResume,
  ErrorCode as LibvirtCode,
  isLibvirtError,
  isUnknownProcedure,
} from '../../src/libvirt/index.ts';
import { FrameStatus, FrameType, type Frame } from '../../src/libvirt/rpc/frame.ts';
import { WINDOW } from '../../src/libvirt/rpc/call-table.ts';
import {
  DOM,
  errorPayload,
  FakeDaemon,
  message,
  reply,
  text,
  WAIT,
  wireDomain,
  words,
} from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';
import { coded } from '../refusal.ts';

function procedures(frames: readonly Frame[]): readonly number[] {
  return frames.map((frame) => frame.procedure);
}

describe('opening', () => {
  test('asks in the order that libvirt itself keeps', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { keepalive: { intervalMs: 5000, misses: 5 } });
    assert.deepEqual(procedures(fake.log).slice(0, 3), [66, 60, 1]);
    assert.equal(fake.log[1]?.payload.readInt32BE(0), 10);
    assert.deepEqual(
      fake.log[2]?.payload,
      Buffer.concat([words(1), text('qemu:///system'), words(0)]),
    );
    assert.equal(connection.libVersion, 9_000_000);
    assert.ok(connection.has(16));
    assert.ok(!connection.has(99));
  });

  test('opens read-only with the flag for it', async (t) => {
    const fake = await FakeDaemon.start(t);
    await fake.connect(t, { readOnly: true });
    assert.equal(fake.log[1]?.payload.readUInt32BE(fake.log[1].payload.length - 4), 1);
  });

  test('says what answered where that is no libvirt', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connecting = fake.connect(t);
    await fake.socket();
    fake.write(Buffer.from('220 mail.example ESMTP\r\n'));
    await assert.rejects(connecting, coded('BERTH_PROTOCOL', /220 mail.example ESMTP/));
  });

  test('says so where the daemon hangs up at once', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connecting = fake.connect(t);
    (await fake.socket()).destroy();
    await assert.rejects(connecting, coded('BERTH_CONNECTION_CLOSED'));
  });

  test('says that no socket is there, and that nobody listens', async () => {
    const environment = { uid: 0 };
    await assert.rejects(
      connect('qemu:///system?socket=/nonexistent/sock', { environment }, WAIT),
      coded('BERTH_CONNECTION_CLOSED', /no such socket/),
    );
  });

  test('gives up at its deadline and on abort, whatever it waits for', async (t) => {
    const silent = await FakeDaemon.start(t);
    const environment = { uid: 0 };
    const controller = new AbortController();
    const clock = new ManualClock();
    const opening = connect(silent.uri, { environment, clock }, { deadlineMs: 500 });
    (await silent.socket()).pause();
    clock.advance(500);
    await assert.rejects(opening, coded('BERTH_DEADLINE'));
    controller.abort(new Error('enough'));
    await assert.rejects(
      connect(silent.uri, { environment }, { signal: controller.signal, deadlineMs: 500 }),
      coded('BERTH_INTERRUPTED'),
    );
  });
});

describe('calls', () => {
  test('are answered by their serial, in whatever order the replies come', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const first = connection.call(connectGetHostname, {}, WAIT);
    const second = connection.call(connectGetUri, {}, WAIT);
    const [a, b] = [await fake.next(), await fake.next()];
    fake.write(reply(b, text('test:///default')), reply(a, text('h1')));
    assert.deepEqual(await first, { hostname: 'h1' });
    assert.deepEqual(await second, { uri: 'test:///default' });
  });

  test('survive replies that come a byte at a time', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const call = connection.call(connectGetHostname, {}, WAIT);
    (await fake.socket()).setNoDelay(true);
    for (const byte of reply(await fake.next(), text('h1'))) fake.write(Buffer.from([byte]));
    assert.deepEqual(await call, { hostname: 'h1' });
  });

  test('keep their place behind a reply with file descriptors', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const calls = [
      connection.call(connectGetHostname, {}, WAIT),
      connection.call(connectGetHostname, {}, WAIT),
    ];
    const [a, b] = [await fake.next(), await fake.next()];
    const withFd = Buffer.concat([words(1), text('one')]);
    const header = { procedure: 59, serial: a.serial, type: FrameType.replyWithFds };
    fake.write(message(header, withFd), Buffer.from([0]), reply(b, text('two')));
    assert.deepEqual(await Promise.all(calls), [{ hostname: 'one' }, { hostname: 'two' }]);
  });

  test('that libvirt refuses throw its own error, whole', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const call = connection.call(domainLookupByName, { name: 'x' }, WAIT);
    const { procedure, serial } = await fake.next();
    const payload = errorPayload(42, 10, 'Domain not found');
    fake.write(message({ procedure, serial, status: FrameStatus.error }, payload));
    await assert.rejects(call, (error) => {
      assert.ok(isLibvirtError(error, LibvirtCode.noDomain));
      assert.deepEqual(
        [error.domain, error.level, error.message, error.procedure, error.int1],
        [10, 2, 'Domain not found', 'domainLookupByName', -1],
      );
      assert.ok(!isUnknownProcedure(error));
      return true;
    });
  });

  test('that an old daemon does not know can be told from other failures', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const call = connection.call(connectGetHostname, {}, WAIT);
    const { procedure, serial } = await fake.next();
    const payload = errorPayload(39, 7, 'unknown procedure: 59');
    fake.write(message({ procedure, serial, status: FrameStatus.error }, payload));
    await assert.rejects(call, isUnknownProcedure);
  });

  test('whose reply cannot be read fail alone', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const broken = connection.call(connectGetHostname, {}, WAIT);
    fake.write(reply(await fake.next(), words(99)));
    await assert.rejects(broken, coded('BERTH_PROTOCOL', /reply to connectGetHostname/));
    const fine = connection.call(connectGetHostname, {}, WAIT);
    fake.write(reply(await fake.next(), text('h1')));
    assert.deepEqual(await fine, { hostname: 'h1' });
  });

  test('with arguments that cannot be sent fail before anything is sent', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    await assert.rejects(
      connection.call(domainLookupByName, { name: 'a\0b' }, WAIT),
      coded('BERTH_SPEC_INVALID', /name of domainLookupByName/),
    );
    await assert.rejects(
      connection.call(connectGetHostname, {}, { deadlineMs: 0 }),
      coded('BERTH_SPEC_INVALID', /deadline of connectGetHostname/),
    );
    assert.deepEqual(fake.pending, []);
  });
});

describe('the window', () => {
  test('keeps further calls here until one is answered', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const calls = Array.from({ length: WINDOW + 2 }, async () =>
      connection.call(connectGetHostname, {}, WAIT),
    );
    const sent = [];
    for (let i = 0; i < WINDOW; i++) sent.push(await fake.next());
    // A ping is answered after everything that was sent before it.
    fake.write(message({ program: 0x6b656570, procedure: 1, type: FrameType.message }));
    assert.equal((await fake.next()).program, 0x6b656570);
    assert.equal(fake.pending.length, 0);
    for (const call of sent) fake.write(reply(call, text('h')));
    for (let i = 0; i < 2; i++) fake.write(reply(await fake.next(), text('h')));
    assert.equal((await Promise.all(calls)).length, WINDOW + 2);
  });

  test('stays occupied by a call that was given up, until its reply comes', async (t) => {
    const clock = new ManualClock();
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { clock });
    const stuck = Array.from({ length: WINDOW }, async () =>
      connection.call(connectGetHostname, {}, { deadlineMs: 100 }),
    );
    const frames = [];
    for (let i = 0; i < WINDOW; i++) frames.push(await fake.next());
    clock.advance(100);
    for (const call of stuck) await assert.rejects(call, coded('BERTH_DEADLINE'));
    const unsent = connection.call(domainResume, { dom: DOM }, { deadlineMs: 100 });
    clock.advance(100);
    // It had no effect, and says so: it never left.
    await assert.rejects(
      unsent,
      coded('BERTH_DEADLINE', /domainResume, never sent behind 4 calls/),
    );
    const next = connection.call(connectGetHostname, {}, { deadlineMs: 100 });
    fake.write(reply(frames[0]!, text('late')));
    fake.write(reply(await fake.next(), text('mine')));
    assert.deepEqual(await next, { hostname: 'mine' });
    fake.hangUp();
    await connection.closed;
    assert.equal(clock.waiting, 0);
  });
});

describe('a reply', () => {
  test('that answers another procedure under the same serial is not taken for ours', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const call = connection.call(connectGetHostname, {}, WAIT);
    fake.write(reply({ ...(await fake.next()), procedure: 110 }, text('a URI')));
    await assert.rejects(call, coded('BERTH_PROTOCOL', /connectGetHostname.*procedure 110/));
    const after = connection.call(connectGetUri, {}, WAIT);
    fake.write(reply(await fake.next(), text('a URI')));
    assert.deepEqual(await after, { uri: 'a URI' });
  });
});

describe('giving up', () => {
  test('at the deadline of a sent call that changes something leaves the outcome unknown', async (t) => {
    const clock = new ManualClock();
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { clock });
    const call = connection.call(domainDestroyFlags, { dom: DOM }, { deadlineMs: 250 });
    const frame = await fake.next();
    clock.advance(250);
    await assert.rejects(
      call,
      coded(
        'BERTH_OUTCOME_UNKNOWN',
        /whether domainDestroyFlags happened: no reply came within 250 ms/,
      ),
    );
    fake.write(reply(frame)); // late, and harmless
    const later = connection.call(connectGetHostname, {}, WAIT);
    fake.write(reply(await fake.next(), text('h')));
    await later;
  });

  test('on abort tells the reason as the cause', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const controller = new AbortController();
    const wait = { signal: controller.signal, deadlineMs: 10_000 };
    const command = connection.call(domainResume, { dom: DOM }, wait);
    const query = connection.call(connectGetHostname, {}, wait);
    await fake.next();
    await fake.next();
    const reason = new Error('Ctrl-C');
    controller.abort(reason);
    await assert.rejects(command, (error) => {
      assert.ok(isBerthError(error, 'BERTH_OUTCOME_UNKNOWN'));
      assert.match(error.message, /happened: domainResume is waited for no longer: Ctrl-C$/);
      assert.equal(error.cause, reason);
      return true;
    });
    await assert.rejects(query, (error) => {
      assert.ok(isBerthError(error, 'BERTH_INTERRUPTED'));
      assert.match(error.message, /Ctrl-C/);
      assert.doesNotMatch(`${error.message} ${error.hint}`, /taken back|command/);
      assert.equal(error.cause, reason);
      return true;
    });
  });

  test('before the call was made sends nothing', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const wait = { signal: AbortSignal.abort(), deadlineMs: 1000 };
    await assert.rejects(
      connection.call(domainResume, { dom: DOM }, wait),
      coded('BERTH_INTERRUPTED'),
    );
    assert.deepEqual(fake.pending, []);
  });
});

describe('the end of a connection', () => {
  test('by the daemon ends every call at once: sent commands unknown, all others closed', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const command = connection.call(domainResume, { dom: DOM }, WAIT);
    const queries = Array.from({ length: WINDOW - 1 }, async () =>
      connection.call(connectGetHostname, {}, WAIT),
    );
    const queued = connection.call(domainResume, { dom: DOM }, WAIT);
    const settled = Promise.allSettled([command, ...queries, queued]);
    for (let i = 0; i < WINDOW; i++) await fake.next();
    fake.hangUp();
    const codes = (await settled).map((one) =>
      one.status === 'rejected' && isBerthError(one.reason) ? one.reason.code : 'fulfilled',
    );
    const closed = 'BERTH_CONNECTION_CLOSED';
    assert.deepEqual(codes, ['BERTH_OUTCOME_UNKNOWN', closed, closed, closed, closed]);
    const { asked, error } = await connection.closed;
    assert.equal(asked, false);
    assert.equal(error.code, closed);
    await assert.rejects(connection.call(connectGetHostname, {}, WAIT), coded(closed));
  });

  test('by nonsense from the other side is told as such', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const call = connection.call(connectGetHostname, {}, WAIT);
    await fake.next();
    fake.write(words(3));
    await assert.rejects(call, coded('BERTH_PROTOCOL', /claims to be 3 bytes/));
    assert.equal((await connection.closed).error.code, 'BERTH_PROTOCOL');
  });

  test('because the daemon has lost its hypervisor is told with the reason', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const call = connection.call(domainResume, { dom: DOM }, WAIT);
    await fake.next();
    fake.write(message({ type: FrameType.message, procedure: 362 }, words(2)));
    await assert.rejects(call, coded('BERTH_OUTCOME_UNKNOWN', /no sign of life/));
    const { asked, error } = await connection.closed;
    assert.equal(asked, false);
    assert.match(error.message, /lost its hypervisor through/);
  });

  test('whose daemon cannot tell of that is open all the same', async (t) => {
    const fake = await FakeDaemon.start(t, new Map([[360, undefined]]));
    const connecting = fake.connect(t);
    const { procedure, serial } = await fake.next();
    const payload = errorPayload(39, 7, 'unknown procedure: 360');
    fake.write(message({ procedure, serial, status: FrameStatus.error }, payload));
    assert.equal((await connecting).libVersion, 9_000_000);
  });

  test('by a message that only clients send is told as such', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    fake.write(message({ type: FrameType.call, procedure: 1 }));
    assert.match((await connection.closed).error.message, /type 0, which only clients send/);
  });

  test('that has come already leaves nothing to close', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { clock: new ManualClock() });
    fake.hangUp();
    assert.equal((await connection.closed).asked, false);
    await connection.close({ deadlineMs: 100 });
  });
});

describe('keepalive', () => {
  const RHYTHM = { intervalMs: 1000, misses: 2 };
  const PROGRAM = 0x6b656570;

  test('answers a ping at once, with stuck calls before it', async (t) => {
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t);
    const stuck = connection.call(connectGetHostname, {}, WAIT);
    const call = await fake.next();
    fake.write(message({ program: PROGRAM, procedure: 1, type: FrameType.message }));
    const pong = await fake.next();
    assert.deepEqual(
      [pong.program, pong.procedure, pong.type, pong.serial, pong.payload.length],
      [PROGRAM, 2, FrameType.message, 0, 0],
    );
    fake.write(reply(call, text('h')));
    await stuck;
  });

  test('asks a silent daemon, and takes it for dead after enough questions', async (t) => {
    const clock = new ManualClock();
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { clock, keepalive: RHYTHM });
    clock.advance(2000);
    assert.deepEqual(
      [(await fake.next()).program, (await fake.next()).program],
      [PROGRAM, PROGRAM],
    );
    clock.advance(1000);
    const { error } = await connection.closed;
    assert.match(error.message, /no sign of life for 3000 ms/);
    assert.equal(clock.waiting, 0);
  });

  test('asks a daemon that sends something nothing, until it has been silent for an interval', async (t) => {
    const clock = new ManualClock();
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { clock, keepalive: RHYTHM });
    for (let round = 0; round < 5; round++) {
      clock.advance(600);
      const call = connection.call(connectGetHostname, {}, WAIT);
      fake.write(reply(await fake.next(), text('h')));
      await call;
    }
    assert.ok(fake.log.every(({ program }) => program !== PROGRAM));
    clock.advance(1000);
    assert.equal((await fake.next()).program, PROGRAM);
    clock.advance(2000);
    assert.match((await connection.closed).error.message, /no sign of life for 3000 ms/);
  });

  test('takes any byte for a sign of life', async (t) => {
    const clock = new ManualClock();
    const fake = await FakeDaemon.start(t);
    const connection = await fake.connect(t, { clock, keepalive: RHYTHM });
    for (let round = 0; round < 5; round++) {
      clock.advance(1000);
      await fake.next();
      const call = connection.call(connectGetHostname, {}, WAIT);
      fake.write(reply(await fake.next(), text('h')));
      await call;
    }
    await connection
      .call(connectGetHostname, {}, { ...WAIT, signal: AbortSignal.abort() })
      .catch((error: unknown) => assert.ok(isBerthError(error, 'BERTH_INTERRUPTED')));
  });
});

test('a domain that a reply carries has its UUID as text', async (t) => {
  const fake = await FakeDaemon.start(t);
  const connection = await fake.connect(t);
  const call = connection.call(domainLookupByName, { name: 'g' }, WAIT);
  fake.write(reply(await fake.next(), wireDomain('g', -1)));
  assert.deepEqual(await call, { dom: { ...DOM, name: 'g' } });
});
