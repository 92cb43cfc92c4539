import assert from 'node:assert/strict';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { describe, test } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import {
  domainOf,
  downloadVolume,
  takeScreenshot,
  uploadVolume,
  type Connection,
} from '../../../src/libvirt/index.ts';
import { STREAM_FINISH_MS } from '../../../src/libvirt/streams/remote-stream.ts';
import { TransferGuard } from '../../../src/libvirt/transfer/transfer-guard.ts';
import { coded } from '../../refusal.ts';
import { FakeDaemon, reply } from '../fake-daemon.ts';
import { ManualClock } from '../manual-clock.ts';

const vol = { pool: 'p', name: 'v', key: 'k' };
const dom = domainOf('07070707-0707-0707-0707-070707070707');
const LONG = { deadlineMs: 3_600_000 };

/** What one transfer needs of a connection, whose stream is open one moment after the deadline. */
function lateConnection(): { connection: Connection; clock: ManualClock; stream: PassThrough } {
  const clock = new ManualClock();
  const stream = new PassThrough();
  const openStream = async (): Promise<unknown> => {
    clock.advance(2000);
    return { result: { mime: 'image/png' }, stream };
  };
  return { connection: { openStream } as unknown as Connection, clock, stream };
}

describe('a transfer', () => {
  test('to a daemon that never confirms its end is no success', async (t) => {
    const clock = new ManualClock();
    const daemon = await FakeDaemon.start(t);
    const connection = await daemon.connect(t, { clock });
    const upload = uploadVolume(connection, Buffer.from('hello'), { vol, clock }, LONG);
    const link = await daemon.link(1);
    const call = await link.next();
    link.write(reply(call));
    await link.next();
    await link.next(); // the end
    clock.advance(STREAM_FINISH_MS);
    await link.next(); // the abort, which is not confirmed either
    clock.advance(60_000);
    await assert.rejects(upload, (error) => {
      assert.ok(isBerthError(error, 'BERTH_OUTCOME_UNKNOWN'));
      return isBerthError(error.cause, 'BERTH_DEADLINE');
    });
  });

  test('whose deadline passes while its stream opens leaves no stream behind', async () => {
    const wait = { deadlineMs: 1000 };
    for (const transfer of [
      ({ connection, clock }) => takeScreenshot(connection, { dom, clock }, wait),
      ({ connection, clock }) =>
        downloadVolume(connection, Buffer.alloc(1), { vol, clock, length: 1 }, wait),
      ({ connection, clock }) => uploadVolume(connection, Buffer.alloc(1), { vol, clock }, wait),
    ] satisfies ((late: ReturnType<typeof lateConnection>) => Promise<unknown>)[]) {
      const late = lateConnection();
      const isOver = (error: unknown): boolean =>
        isBerthError(error, 'BERTH_OUTCOME_UNKNOWN') || isBerthError(error, 'BERTH_DEADLINE');
      await assert.rejects(transfer(late), isOver);
      assert.ok(late.stream.closed);
      assert.equal(late.clock.waiting, 0);
      late.stream.emit('error', new Error('heard by somebody'));
    }
  });

  test('that was stopped after its work was done is told as stopped', async () => {
    const stream = new PassThrough();
    const guard = new TransferGuard(stream, 'it', new ManualClock(), () => LONG);
    const boom = new Error('boom');
    const over = guard.over(async () => {
      stream.destroy(boom);
      await once(stream, 'close').catch(() => undefined);
    });
    await assert.rejects(over, boom);
  });

  test('that is interrupted says by what', async () => {
    const why = new Error('enough');
    const wait = { ...LONG, signal: AbortSignal.abort(why) };
    const guard = new TransferGuard(new PassThrough(), 'it', new ManualClock(), () => wait);
    await assert.rejects(
      guard.over(async () => guard.during(new Promise(() => undefined))),
      (error) => isBerthError(error, 'BERTH_INTERRUPTED') && error.cause === why,
    );
  });

  test('from a stream that is over is refused before anything is opened', async () => {
    const ended = Readable.from([Buffer.from('x')]);
    ended.resume();
    await once(ended, 'end');
    const destroyed = new PassThrough().destroy();
    const { connection } = lateConnection();
    for (const [source, said] of [
      [ended, /read to its end/],
      [destroyed, /was destroyed/],
    ] as const) {
      await assert.rejects(
        uploadVolume(connection, source, { vol }, LONG),
        coded('BERTH_SPEC_INVALID', said),
      );
    }
  });

  test('of a file that cannot be read says which, and why', async (t) => {
    const daemon = await FakeDaemon.start(t);
    const connection = await daemon.connect(t);
    // The kernel gives EIO for an address at which nothing is.
    const path = '/proc/self/mem';
    const upload = uploadVolume(connection, path, { vol }, { deadlineMs: 10_000 });
    const link = await daemon.link(1);
    link.write(reply(await link.next()));
    const refused = assert.rejects(upload, coded('BERTH_FILE', /\/proc\/self\/mem .*EIO/));
    await link.next();
    link.hangUp();
    await refused;
  });
});
