import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FrameStatus, FrameType, Program, type Frame } from '../../src/libvirt/rpc/frame.ts';
import { Keepalive } from '../../src/libvirt/rpc/keepalive.ts';
import { encodeHole, Hole } from '../../src/libvirt/streams/hole.ts';
import {
  INBOX_BYTES_MAX,
  PACKET_BYTES_MAX,
  RemoteStream,
} from '../../src/libvirt/streams/remote-stream.ts';
import { ManualClock } from './manual-clock.ts';

const PACKETS_TO_FILL = Math.floor(INBOX_BYTES_MAX / PACKET_BYTES_MAX) + 1;

function data(): Frame {
  return {
    program: Program.remote,
    procedure: 209,
    type: FrameType.stream,
    serial: 1,
    status: FrameStatus.continue,
    payload: Buffer.alloc(PACKET_BYTES_MAX),
  };
}

/** A stream whose connection only notes what it is asked for. */
function stream() {
  const asked: string[] = [];
  const note = (what: string) => () => void asked.push(what);
  const line = {
    clock: new ManualClock(),
    send: note('send'),
    sendHole: note('hole'),
    pause: note('pause'),
    resume: note('resume'),
    forget: note('forget'),
    abort: (settled: () => void) => {
      asked.push('abort');
      settled();
    },
  };
  const kind = { direction: 'read', sparse: false } as const;
  return { asked, stream: new RemoteStream('storageVolDownload', kind, line).handOver() };
}

describe('a stream that nobody reads', () => {
  test('stops its connection just above the limit, and starts it when it is read', async () => {
    const { asked, stream: full } = stream();
    for (let i = 1; i < PACKETS_TO_FILL; i++) full.receive(data());
    assert.deepEqual(asked, []);
    full.receive(data());
    assert.deepEqual(asked, ['pause']);
    full.receive(data());
    assert.deepEqual(asked, ['pause']);
    let read = 0;
    for await (const chunk of full) {
      read += (chunk as Buffer).length;
      if (read === (PACKETS_TO_FILL + 1) * PACKET_BYTES_MAX) break;
    }
    assert.deepEqual(asked, ['pause', 'resume', 'abort']);
  });

  test('stops its connection too when only holes and crumbs come', async () => {
    const hole = { ...data(), type: FrameType.streamHole, payload: encodeHole(new Hole(1)) };
    const crumb = { ...data(), payload: Buffer.alloc(1) };
    const { asked, stream: full } = stream();
    for (let i = 0; i < 600; i++) {
      full.receive(hole);
      full.receive(crumb);
    }
    assert.deepEqual(asked, ['pause']);
    let read = 0;
    for await (const chunk of full) {
      read += (chunk as Buffer).length;
      if (read === 1200) break;
    }
    assert.deepEqual(asked.slice(0, 2), ['pause', 'resume']);
  });

  test('starts its connection again when it is destroyed or let go', () => {
    for (const end of ['destroy', 'letGo'] as const) {
      const { asked, stream: full } = stream();
      for (let i = 0; i < PACKETS_TO_FILL; i++) full.receive(data());
      full[end]();
      assert.deepEqual(
        asked.filter((what) => what === 'pause' || what === 'resume'),
        ['pause', 'resume'],
      );
    }
  });
});

describe('keepalive', () => {
  test('proves nothing while we ourselves do not read', () => {
    const clock = new ManualClock();
    const said: string[] = [];
    let isPaused = true;
    const keepalive = new Keepalive(
      { intervalMs: 10, misses: 1 },
      {
        clock,
        ping: () => said.push('ping'),
        dead: (ms) => said.push(`dead ${ms}`),
        isPaused: () => isPaused,
      },
    );
    clock.advance(100);
    assert.deepEqual(said, []);
    isPaused = false;
    clock.advance(20);
    assert.deepEqual(said, ['ping', 'dead 20']);
    keepalive.stop();
    clock.advance(100);
    assert.equal(said.length, 2);
  });
});
