import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, test, type TestContext } from 'node:test';
import { isBerthError } from '../../src/base/errors.ts';
import {
  connectGetHostname,
  domainOf,
  domainOpenConsole,
  isLibvirtError,
  storageVolDownload,
  storageVolUpload,
} from '../../src/libvirt/index.ts';
import { FrameStatus, FrameType, type Frame } from '../../src/libvirt/rpc/frame.ts';
import { Hole } from '../../src/libvirt/streams/hole.ts';
import {
  INBOX_BYTES_MAX,
  PACKET_BYTES_MAX,
  STREAM_FINISH_MS,
} from '../../src/libvirt/streams/remote-stream.ts';
import { STREAM_ABORT_MS } from '../../src/libvirt/streams/stream-table.ts';
import {
  errorPayload,
  FakeDaemon,
  message,
  packet,
  reply,
  text,
  WAIT,
  words,
} from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';
import { coded } from '../refusal.ts';

const DATA = { vol: { pool: 'p', name: 'v', key: '/v' }, offset: 0n, length: 0n };
const { continue: MORE, ok: DONE, error: FAILED } = FrameStatus;

async function start(t: TestContext) {
  const clock = new ManualClock();
  const fake = await FakeDaemon.start(t);
  const connection = await fake.wire(t, clock);
  return { clock, fake, connection };
}

async function download(t: TestContext) {
  const parts = await start(t);
  const opening = parts.connection.openStream(storageVolDownload, DATA, WAIT);
  const call = await parts.fake.next();
  parts.fake.write(reply(call));
  return { ...parts, call, stream: (await opening).stream };
}

async function upload(t: TestContext) {
  const parts = await start(t);
  const opening = parts.connection.openStream(storageVolUpload, DATA, WAIT);
  const call = await parts.fake.next();
  parts.fake.write(reply(call));
  return { ...parts, call, stream: (await opening).stream };
}

async function openConsole(t: TestContext) {
  const parts = await start(t);
  const dom = domainOf('07070707-0707-0707-0707-070707070707');
  const opening = parts.connection.openStream(domainOpenConsole, { dom }, WAIT);
  const call = await parts.fake.next();
  parts.fake.write(reply(call));
  return { ...parts, call, stream: (await opening).stream };
}

function seen(frame: Frame): readonly unknown[] {
  return [frame.type, frame.procedure, frame.serial, frame.status, frame.payload.toString()];
}

describe('a stream that is read', () => {
  test('gets data that stand in the same chunk as the reply, and ends when the daemon confirms', async (t) => {
    const { fake, connection } = await start(t);
    const opening = connection.openStream(storageVolDownload, DATA, WAIT);
    const call = await fake.next();
    const data = [packet(call, MORE, Buffer.from('ab')), packet(call, MORE, Buffer.from('c'))];
    fake.write(reply(call), ...data, packet(call, MORE));
    const { stream } = await opening;
    const finish = await fake.next();
    assert.deepEqual(seen(finish), [FrameType.stream, 209, call.serial, DONE, '']);
    fake.write(packet(call, DONE));
    assert.equal(Buffer.concat(await stream.toArray()).toString(), 'abc');
  });

  test('gets data that overtake the reply, to the very end', async (t) => {
    const { fake, connection } = await start(t);
    const opening = connection.openStream(storageVolDownload, DATA, WAIT);
    const call = await fake.next();
    fake.write(packet(call, MORE, Buffer.from('ab')), packet(call, MORE));
    assert.equal((await fake.next()).status, DONE);
    fake.write(packet(call, DONE), reply(call));
    assert.equal(Buffer.concat(await (await opening).stream.toArray()).toString(), 'ab');
  });

  test('whose opening is refused after data came leaves nothing behind', async (t) => {
    const { fake, connection } = await start(t);
    const opening = connection.openStream(storageVolDownload, DATA, WAIT);
    const { procedure, serial } = await fake.next();
    const failure = errorPayload(50, 18, 'no volume');
    fake.write(message({ procedure, serial, status: FAILED }, failure));
    await assert.rejects(opening, (error) => isLibvirtError(error, 50));
    const after = connection.call(connectGetHostname, {}, WAIT);
    fake.write(reply(await fake.next(), text('h')));
    await after;
  });

  test('whose opening was answered unreadably is aborted, and holds up nothing', async (t) => {
    const { fake, connection } = await start(t);
    const opening = connection.openStream(storageVolDownload, DATA, WAIT);
    const call = await fake.next();
    fake.write(reply(call, words(1, 2, 3)));
    await assert.rejects(opening, coded('BERTH_PROTOCOL'));
    const abort = await fake.next();
    assert.deepEqual(seen(abort), [FrameType.stream, 209, call.serial, FAILED, '']);
    const piece = Buffer.alloc(PACKET_BYTES_MAX, 1);
    for (let sent = 0; sent < 3 * INBOX_BYTES_MAX; sent += piece.length) {
      fake.write(packet(call, MORE, piece));
    }
    const after = connection.call(connectGetHostname, {}, WAIT);
    fake.write(packet(call, DONE), reply(await fake.next(), text('h')));
    await after;
  });

  test('whose opening was given up while its data pile up lets the connection go on', async (t) => {
    const { fake, connection, clock } = await start(t);
    const opening = connection.openStream(storageVolDownload, DATA, { deadlineMs: 100 });
    const call = await fake.next();
    const piece = Buffer.alloc(PACKET_BYTES_MAX, 1);
    for (let sent = 0; sent < 3 * INBOX_BYTES_MAX; sent += piece.length) {
      fake.write(packet(call, MORE, piece));
    }
    clock.advance(100);
    await assert.rejects(opening, coded('BERTH_DEADLINE'));
    const after = connection.call(connectGetHostname, {}, WAIT);
    fake.write(reply(await fake.next(), text('h')));
    await after;
  });

  test('fails when the daemon reports a failure instead of confirming the end', async (t) => {
    const { fake, call, stream } = await download(t);
    fake.write(packet(call, MORE, Buffer.from('ab')), packet(call, MORE));
    await fake.next();
    fake.write(packet(call, FAILED, errorPayload(38, 18, 'cannot read')));
    await assert.rejects(stream.toArray(), (error) => isLibvirtError(error, 38));
  });

  test('that failed before it was handed over still tells its consumer', async (t) => {
    const { fake, connection } = await start(t);
    const opening = connection.openStream(storageVolDownload, DATA, WAIT);
    const call = await fake.next();
    fake.write(reply(call), packet(call, FAILED, errorPayload(1, 0, 'gone')));
    const { stream } = await opening;
    await assert.rejects(stream.toArray(), (error) => isLibvirtError(error, 1));
  });

  test('reads holes as zeros', async (t) => {
    const { fake, call, stream } = await download(t);
    const { procedure, serial } = call;
    const hole = (size: number) =>
      message({ procedure, serial, type: FrameType.streamHole, status: MORE }, words(0, size, 0));
    fake.write(packet(call, MORE, Buffer.from('a')), hole(100_000), packet(call, MORE));
    await fake.next();
    fake.write(packet(call, DONE));
    const data = Buffer.concat(await stream.toArray());
    assert.equal(data.length, 100_001);
    assert.ok(data.subarray(1).every((byte) => byte === 0));
  });

  test('keeps all data, and calls behind them, however long nobody reads', async (t) => {
    const { fake, call, stream, connection } = await download(t);
    const piece = Buffer.alloc(PACKET_BYTES_MAX, 1);
    const pieces = Math.ceil((3 * INBOX_BYTES_MAX) / piece.length);
    for (let i = 0; i < pieces; i++) fake.write(packet(call, MORE, piece));
    const behind = connection.call(connectGetHostname, {}, WAIT);
    fake.write(reply(await fake.next(), text('h')));
    fake.write(packet(call, MORE));
    const reading = stream.toArray();
    assert.equal((await fake.next()).status, DONE);
    fake.write(packet(call, DONE));
    assert.equal(Buffer.concat(await reading).length, pieces * piece.length);
    assert.deepEqual(await behind, { hostname: 'h' });
  });

  test('that is destroyed is aborted, and closes when the daemon confirms, with late data dropped', async (t) => {
    const { fake, call, stream, connection } = await download(t);
    stream.destroy();
    const closed = once(stream, 'close');
    assert.deepEqual(seen(await fake.next()), [FrameType.stream, 209, call.serial, FAILED, '']);
    fake.write(packet(call, MORE, Buffer.from('late')), packet(call, MORE));
    const before = connection.call(connectGetHostname, {}, WAIT);
    fake.write(reply(await fake.next(), text('h')));
    await before;
    assert.ok(!stream.closed);
    fake.write(packet(call, DONE), packet(call, MORE, Buffer.from('later still')));
    await closed;
    assert.equal(stream.read(), null);
    const after = connection.call(connectGetHostname, {}, WAIT);
    fake.write(reply(await fake.next(), text('h')));
    await after;
  });

  test('that is destroyed closes all the same when the daemon does not confirm', async (t) => {
    const { fake, stream, clock } = await download(t);
    const failing = once(stream, 'error');
    stream.destroy(new Error('enough'));
    await fake.next();
    clock.advance(STREAM_ABORT_MS - 1);
    assert.ok(!stream.closed);
    clock.advance(1);
    assert.equal(((await failing)[0] as Error).message, 'enough');
  });

  test('that is destroyed while its end is being confirmed takes the confirmation for that', async (t) => {
    const { fake, call, stream } = await download(t);
    stream.resume();
    fake.write(packet(call, MORE));
    assert.equal((await fake.next()).status, DONE);
    const closed = once(stream, 'close');
    stream.destroy();
    assert.equal((await fake.next()).status, FAILED);
    fake.write(packet(call, DONE));
    await closed;
  });

  test('that is destroyed while its connection breaks closes at once', async (t) => {
    const { fake, stream } = await download(t);
    const closed = once(stream, 'close');
    stream.destroy();
    await fake.next();
    fake.hangUp();
    await closed;
  });

  test('does not wait for ever for the daemon to confirm its end', async (t) => {
    const { fake, call, stream, clock } = await download(t);
    const reading = stream.toArray();
    fake.write(packet(call, MORE));
    await fake.next();
    clock.advance(STREAM_FINISH_MS);
    assert.equal((await fake.next()).status, FAILED);
    clock.advance(STREAM_ABORT_MS);
    await assert.rejects(reading, coded('BERTH_DEADLINE'));
  });

  test('fails when its connection ends', async (t) => {
    const { fake, stream } = await download(t);
    const reading = stream.toArray();
    fake.hangUp();
    await assert.rejects(reading, coded('BERTH_CONNECTION_CLOSED'));
  });
});

describe('a stream that is written', () => {
  test('sends packets of the size that the daemon takes and finishes when it confirms', async (t) => {
    const { fake, call, stream } = await upload(t);
    const data = Buffer.alloc(PACKET_BYTES_MAX + 5, 7);
    const writing = pipeline(Readable.from([Buffer.alloc(0), data]), stream);
    const sizes = [(await fake.next()).payload.length, (await fake.next()).payload.length];
    assert.deepEqual(sizes, [PACKET_BYTES_MAX, 5]);
    let finished = false;
    stream.once('finish', () => (finished = true));
    assert.deepEqual(seen(await fake.next()), [FrameType.stream, 208, call.serial, DONE, '']);
    assert.equal(finished, false);
    fake.write(packet(call, DONE));
    await writing;
    assert.equal(finished, true);
  });

  test('fails with the error that the daemon sends meanwhile', async (t) => {
    const { fake, call, stream } = await upload(t);
    const failing = once(stream, 'error');
    stream.write('data');
    await fake.next();
    fake.write(packet(call, FAILED, errorPayload(38, 38, 'No space left on device')));
    const [error] = await failing;
    assert.ok(isLibvirtError(error, 38));
    assert.equal(error.procedure, 'storageVolUpload');
  });

  test('waits while the other side does not read', async (t) => {
    const { fake, stream } = await upload(t);
    (await fake.socket()).pause();
    const piece = Buffer.alloc(PACKET_BYTES_MAX);
    let accepted = 0;
    while (stream.write(piece, () => accepted++)) assert.ok(accepted < 1000);
    for (let i = 0; i < 20; i++) stream.write(piece, () => accepted++);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(accepted < 20, `${accepted} packets left`);
    (await fake.socket()).resume();
    stream.destroy();
  });
});

describe('a console', () => {
  test('carries both directions', async (t) => {
    const { fake, call, stream } = await openConsole(t);
    stream.write('ls\n');
    assert.deepEqual(seen(await fake.next()), [3, 201, call.serial, MORE, 'ls\n']);
    fake.write(packet(call, MORE, Buffer.from('file\r\n')));
    assert.equal(String((await once(stream, 'data'))[0]), 'file\r\n');
    stream.end();
    assert.equal((await fake.next()).status, DONE);
    fake.write(packet(call, DONE));
    await once(stream, 'close');
  });

  test('that the daemon ends closes here too', async (t) => {
    const { fake, call, stream } = await openConsole(t);
    stream.resume();
    const closed = once(stream, 'close');
    fake.write(packet(call, MORE));
    assert.equal((await fake.next()).status, DONE);
    fake.write(packet(call, DONE));
    await closed;
  });

  test('that the daemon is ending takes nothing more', async (t) => {
    const { fake, call, stream } = await openConsole(t);
    fake.write(packet(call, MORE));
    await fake.next();
    const failing = once(stream, 'error');
    stream.write('too late');
    assert.equal((await fake.next()).status, FAILED);
    fake.write(packet(call, DONE));
    assert.ok(isBerthError((await failing)[0], 'BERTH_CONNECTION_CLOSED'));
  });

  test('whose opening was given up is aborted when the reply comes', async (t) => {
    const { fake, connection, clock } = await start(t);
    const dom = domainOf('07070707-0707-0707-0707-070707070707');
    const opening = connection.openStream(domainOpenConsole, { dom }, { deadlineMs: 100 });
    const call = await fake.next();
    clock.advance(100);
    await assert.rejects(opening, coded('BERTH_DEADLINE'));
    fake.write(reply(call));
    assert.deepEqual(seen(await fake.next()), [3, 201, call.serial, FAILED, '']);
  });
});

describe('a stream that was opened sparse', () => {
  const sparse = { ...DATA, flags: 1 };

  async function openSparse(t: TestContext, procedure: typeof storageVolUpload) {
    const parts = await start(t);
    const opening = parts.connection.openStream(procedure, sparse, WAIT);
    const call = await parts.fake.next();
    parts.fake.write(reply(call));
    return { ...parts, call, stream: (await opening).stream };
  }

  test('sends holes as messages of their own, between its data', async (t) => {
    const { fake, call, stream } = await openSparse(t, storageVolUpload);
    const writing = pipeline(Readable.from([Buffer.from('a'), new Hole(2 ** 33 + 1)]), stream);
    assert.deepEqual(seen(await fake.next()), [3, 208, call.serial, MORE, 'a']);
    const hole = await fake.next();
    assert.deepEqual(
      [hole.type, hole.serial, hole.status],
      [FrameType.streamHole, call.serial, MORE],
    );
    assert.deepEqual(hole.payload, words(2, 1, 0));
    assert.equal((await fake.next()).status, DONE);
    fake.write(packet(call, DONE));
    await writing;
  });

  test('takes nothing but bytes and holes', async (t) => {
    const { fake, call, stream } = await openSparse(t, storageVolUpload);
    const failing = once(stream, 'error');
    stream.write('text');
    assert.equal((await fake.next()).status, FAILED);
    fake.write(packet(call, DONE));
    assert.ok(isBerthError((await failing)[0], 'BERTH_SPEC_INVALID'));
  });

  test('gives holes as they are', async (t) => {
    const { fake, connection } = await start(t);
    const opening = connection.openStream(storageVolDownload, sparse, WAIT);
    const call = await fake.next();
    const { procedure, serial } = call;
    const type = FrameType.streamHole;
    const hole = (high: number, low: number) =>
      message({ procedure, serial, type, status: MORE }, words(high, low, 0));
    fake.write(
      reply(call),
      hole(1, 0),
      packet(call, MORE, Buffer.from('a')),
      hole(0, 5),
      hole(0, 0),
    );
    fake.write(packet(call, MORE));
    assert.equal((await fake.next()).status, DONE);
    fake.write(packet(call, DONE));
    const pieces: unknown[] = await (await opening).stream.toArray();
    assert.deepEqual(pieces, [new Hole(2 ** 32), Buffer.from('a'), new Hole(5)]);
  });

  test('fails when libvirt answers a hole with an error, which it sends as a reply', async (t) => {
    const { fake, call, stream } = await openSparse(t, storageVolUpload);
    const failing = once(stream, 'error');
    stream.write(new Hole(4096));
    const { procedure, serial } = await fake.next();
    assert.equal(serial, call.serial);
    const failure = errorPayload(38, 38, 'unable to truncate');
    fake.write(message({ procedure, serial, type: FrameType.reply, status: FAILED }, failure));
    assert.ok(isLibvirtError((await failing)[0], 38));
  });

  test('ends its connection when a hole has a length that cannot be', async (t) => {
    const { fake, connection } = await start(t);
    const opening = connection.openStream(storageVolDownload, sparse, WAIT);
    const call = await fake.next();
    const { procedure, serial } = call;
    const header = { procedure, serial, type: FrameType.streamHole, status: MORE };
    fake.write(reply(call), message(header, words(0x8000_0000, 0, 0)));
    await assert.rejects((await opening).stream.toArray(), coded('BERTH_PROTOCOL', /hole/));
  });
});

test('a plain stream refuses a hole before anything is sent', async (t) => {
  const { fake, stream } = await upload(t);
  assert.throws(() => stream.write(new Hole(1)), { code: 'ERR_INVALID_ARG_TYPE' });
  stream.destroy();
  assert.equal((await fake.next()).status, FAILED);
  assert.throws(() => new Hole(0), coded('BERTH_SPEC_INVALID'));
});

describe('what went wrong in other clients', () => {
  test('a source of short and odd pieces is uploaded byte for byte', async (t) => {
    const { fake, call, stream } = await upload(t);
    const data = Buffer.from(Array.from({ length: 5000 }, (_, i) => i & 0xff));
    const odd = [1, 2, 3, 997, 0, 4, 2993, 1000];
    let at = 0;
    const pieces = odd.map((size) => data.subarray(at, (at += size)));
    const writing = pipeline(Readable.from(pieces), stream);
    const got: Buffer[] = [];
    for (let frame = await fake.next(); frame.status === MORE; frame = await fake.next()) {
      got.push(frame.payload);
    }
    fake.write(packet(call, DONE));
    await writing;
    assert.ok(Buffer.concat(got).equals(data));
  });

  test('a download that is read to its end is finished, so the daemon keeps nothing of it', async (t) => {
    const { fake, call, stream } = await download(t);
    fake.write(packet(call, MORE, Buffer.from('x')), packet(call, MORE));
    const reading = stream.toArray();
    assert.deepEqual(seen(await fake.next()), [3, 209, call.serial, DONE, '']);
    fake.write(packet(call, DONE));
    await reading;
    assert.deepEqual(fake.pending, []);
  });

  test('a console goes both ways at once, though the protocol says that it is read', async (t) => {
    const { fake, call, stream } = await openConsole(t);
    const read: string[] = [];
    stream.on('data', (chunk: Buffer) => read.push(chunk.toString()));
    for (let i = 0; i < 10; i++) {
      fake.write(packet(call, MORE, Buffer.from(`out ${i} `)));
      stream.write(`in ${i}`);
      assert.equal((await fake.next()).payload.toString(), `in ${i}`);
    }
    fake.write(packet(call, MORE));
    assert.equal((await fake.next()).status, DONE);
    fake.write(packet(call, DONE));
    await once(stream, 'close');
    assert.equal(read.join(''), Array.from({ length: 10 }, (_, i) => `out ${i} `).join(''));
  });
});
