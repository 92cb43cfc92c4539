import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { array, assert as check, integer, property, record, uint8Array } from 'fast-check';
import { isBerthError } from '../../src/base/errors.ts';
import { FRAME_BYTES_MAX, FrameType, type Frame } from '../../src/libvirt/rpc/frame.ts';
import { FrameSplitter } from '../../src/libvirt/rpc/frame-splitter.ts';
import { message, text, words } from './fake-daemon.ts';

function split(...chunks: readonly Buffer[]): readonly Frame[] {
  const splitter = new FrameSplitter('test');
  const frames: Frame[] = [];
  for (const chunk of chunks) splitter.push(chunk, (frame) => frames.push(frame));
  return frames;
}

const SOME = Buffer.concat([
  message({ serial: 1, procedure: 5 }, text('hello')),
  message({ serial: 2 }),
  message({ serial: 3, type: FrameType.stream, status: 2 }, words(1, 2, 3)),
]);

function summary(frames: readonly Frame[]): readonly unknown[] {
  return frames.map((frame) => [frame.serial, frame.type, frame.payload.toString('hex')]);
}

describe('the splitter', () => {
  test('finds the same messages wherever the bytes are split', () => {
    const whole = summary(split(SOME));
    assert.equal(whole.length, 3);
    for (let at = 0; at <= SOME.length; at++) {
      assert.deepEqual(summary(split(SOME.subarray(0, at), SOME.subarray(at))), whole);
    }
    assert.deepEqual(summary(split(...[...SOME].map((byte) => Buffer.from([byte])))), whole);
  });

  test('finds the same messages in chunks of any sizes', () => {
    const whole = summary(split(SOME));
    check(
      property(array(integer({ min: 0, max: 40 }), { maxLength: 20 }), (sizes) => {
        const chunks: Buffer[] = [];
        let at = 0;
        for (const size of sizes) chunks.push(SOME.subarray(at, (at += size)));
        chunks.push(SOME.subarray(at));
        assert.deepEqual(summary(split(...chunks)), whole);
      }),
    );
  });

  test('skips the bytes that stand for file descriptors, wherever the chunks break', () => {
    const withFds = Buffer.concat([
      message({ serial: 1, type: FrameType.replyWithFds }, words(2, 77)),
      Buffer.from([0, 0]),
      message({ serial: 2 }, words(5)),
    ]);
    for (let at = 0; at <= withFds.length; at++) {
      const frames = split(withFds.subarray(0, at), withFds.subarray(at));
      assert.deepEqual(summary(frames), [
        [1, FrameType.replyWithFds, words(77).toString('hex')],
        [2, FrameType.reply, words(5).toString('hex')],
      ]);
    }
  });

  test('finds in chunks of any sizes what it finds in single bytes, file descriptors or not', () => {
    const one = record({
      payload: uint8Array({ maxLength: 40 }),
      fds: integer({ min: 0, max: 3 }),
    });
    const sizes = array(integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 9 });
    check(
      property(array(one, { maxLength: 8 }), sizes, (messages, cuts) => {
        const bytes = Buffer.concat(messages.flatMap(({ payload, fds }) => withFds(payload, fds)));
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < bytes.length; i++) {
          chunks.push(bytes.subarray(at, (at += cuts[i % cuts.length] ?? 1)));
        }
        const singles = [...bytes].map((byte) => Buffer.from([byte]));
        assert.deepEqual(summary(split(...chunks)), summary(split(...singles)));
        assert.equal(split(bytes).length, messages.length);
      }),
    );
  });

  test('takes lengths from 28 to 4 more than 32 MiB and no others', () => {
    assert.equal(split(message({})).length, 1);
    assert.throws(() => split(message({}), words(27)), isProtocol);
    assert.throws(() => split(message({}), words(FRAME_BYTES_MAX + 1)), isProtocol);
    assert.deepEqual(split(words(FRAME_BYTES_MAX)), []);
    const longest = message({ serial: 9 }, Buffer.alloc(FRAME_BYTES_MAX - 28));
    const frames = split(longest.subarray(0, 70_000), longest.subarray(70_000));
    assert.equal(frames[0]?.payload.length, FRAME_BYTES_MAX - 28);
  });

  test('shows what a foreign peer said first, printable and short', () => {
    const greeting = Buffer.from(`SSH-2.0-OpenSSH_9.2\r\n${'x'.repeat(500)}`);
    assert.throws(
      () => split(greeting),
      /first bytes are no libvirt message but "SSH-2.0-OpenSSH_9.2\.\.x{39}"/,
    );
  });

  test('refuses a message that claims more file descriptors than one can carry', () => {
    const liar = message({ type: FrameType.replyWithFds }, words(33));
    assert.throws(() => split(liar), /33 file descriptors/);
  });

  test('yields messages or refuses the bytes, whatever they are', () => {
    check(
      property(array(uint8Array({ maxLength: 100 }), { maxLength: 10 }), (chunks) => {
        try {
          split(...chunks.map((chunk) => Buffer.from(chunk)));
        } catch (error) {
          assert.ok(isProtocol(error), String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  test('delivers the messages before a broken one', () => {
    const splitter = new FrameSplitter('test');
    const seen: number[] = [];
    assert.throws(() => {
      splitter.push(Buffer.concat([SOME, words(0)]), (frame) => seen.push(frame.serial));
    }, isProtocol);
    assert.deepEqual(seen, [1, 2, 3]);
  });
});

/** A message, carrying that many file descriptors if any, with the bytes that stand for them. */
function withFds(payload: Uint8Array, fds: number): readonly Buffer[] {
  if (fds === 0) return [message({}, Buffer.from(payload))];
  const counted = Buffer.concat([words(fds), payload]);
  return [message({ type: FrameType.replyWithFds }, counted), Buffer.alloc(fds)];
}

function isProtocol(error: unknown): boolean {
  return isBerthError(error, 'BERTH_PROTOCOL');
}
