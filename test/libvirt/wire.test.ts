import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { describe, test } from 'node:test';
import { berthError } from '../../src/base/errors.ts';
import { FrameType, HEADER_BYTES, Program, type Frame } from '../../src/libvirt/rpc/frame.ts';
import { FrameSplitter } from '../../src/libvirt/rpc/frame-splitter.ts';
import { Wire } from '../../src/libvirt/rpc/wire.ts';
import { message, words } from './fake-daemon.ts';

/** A byte stream that keeps each write apart. */
class Line extends Duplex {
  readonly writes: Buffer[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(chunk);
    done();
  }

  get sent(): readonly Frame[] {
    const frames: Frame[] = [];
    const splitter = new FrameSplitter('the client');
    for (const write of this.writes) splitter.push(write, (frame) => frames.push(frame));
    return frames;
  }
}

function wireOver(line: Line, onFrame: (frame: Frame, wire: Wire) => void = () => {}): Wire {
  const wire: Wire = new Wire(line, {
    where: 'test',
    onBytes: () => {},
    onFrame: (frame) => onFrame(frame, wire),
    onEnd: () => {},
  });
  return wire;
}

const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the wire', () => {
  test('messages of one turn leave in one write, in their order', async () => {
    const line = new Line();
    const wire = wireOver(line);
    for (const serial of [1, 2, 3]) wire.send(message({ serial }));
    assert.equal(line.writes.length, 0);
    await turn();
    assert.equal(line.writes.length, 1);
    wire.send(message({ serial: 4 }));
    await turn();
    assert.equal(line.writes.length, 2);
    assert.deepEqual(
      line.sent.map(({ serial }) => serial),
      [1, 2, 3, 4],
    );
  });

  test('what replies set going in promises leaves in one write too', async () => {
    const line = new Line();
    const wire = wireOver(line, ({ serial }) => {
      void Promise.resolve().then(() => wire.send(message({ serial: serial + 10 })));
    });
    line.push(Buffer.concat([message({ serial: 1 }), message({ serial: 2 })]));
    await turn();
    assert.equal(line.writes.length, 1);
    assert.deepEqual(
      line.sent.map(({ serial }) => serial),
      [11, 12],
    );
  });

  test('stream data do not overtake the messages before them', async () => {
    const line = new Line();
    const wire = wireOver(line);
    const header = { program: Program.remote, procedure: 208, type: FrameType.stream, serial: 2 };
    wire.send(message({ serial: 1 }));
    wire.sendParts({ ...header, status: 2 }, words(7));
    wire.send(message({ serial: 3 }));
    await turn();
    assert.deepEqual(
      line.sent.map(({ serial }) => serial),
      [1, 2, 3],
    );
    assert.equal(Buffer.concat(line.writes).length, 3 * HEADER_BYTES + 4);
  });

  test('nothing is sent and nothing handed on once it has ended', async () => {
    const line = new Line();
    const seen: number[] = [];
    const wire = wireOver(line, ({ serial }, self) => {
      seen.push(serial);
      self.end(berthError('BERTH_CONNECTION_CLOSED', { where: 'test', reason: 'enough' }));
    });
    wire.send(message({ serial: 1 }));
    line.push(Buffer.concat([message({ serial: 5 }), message({ serial: 6 })]));
    await once(line, 'close');
    wire.send(message({ serial: 2 }));
    await turn();
    assert.deepEqual(seen, [5]);
    assert.ok(!line.sent.some(({ serial }) => serial === 2));
  });
});
