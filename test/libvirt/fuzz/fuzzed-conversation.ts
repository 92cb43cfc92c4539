import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import {
  array,
  assert as check,
  asyncProperty,
  constantFrom,
  integer,
  oneof,
  record,
  uint8Array,
  type Arbitrary,
} from 'fast-check';
import { isBerthError } from '../../../src/base/errors.ts';
import {
  connectGetHostname,
  domainDestroyFlags,
  DomainEvent,
  domainOf,
  isLibvirtError,
  storageVolDownload,
} from '../../../src/libvirt/index.ts';
import { FrameStatus, FrameType, type Frame } from '../../../src/libvirt/rpc/frame.ts';
import { systemClock } from '../../../src/libvirt/rpc/clock.ts';
import { encodeHole, Hole } from '../../../src/libvirt/streams/hole.ts';
import type { WireConnection } from '../../../src/libvirt/wire-connection.ts';
import {
  errorPayload,
  event,
  FakeDaemon,
  message,
  packet,
  reply,
  text,
  wireDomain,
  words,
} from '../fake-daemon.ts';

/** Longer than anything here takes; whoever waits for it hangs. */
const WAIT = { deadlineMs: 60_000 };
const HANG_MS = 10_000;

const DOM = domainOf('07070707-0707-0707-0707-070707070707');
const VOLUME = { vol: { pool: 'p', name: 'v', key: '/v' }, offset: 0n, length: 0n, flags: 1 };

/** Something that is done to the bytes of a daemon. Places are shares of all there is. */
interface Damage {
  readonly kind: 'flip' | 'word' | 'cut' | 'insert' | 'drop' | 'repeat';
  readonly place: number;
  readonly size: number;
  readonly value: number;
  readonly bytes: Uint8Array;
}

/** Numbers that mean something in some field of a header or in front of a payload. */
const TELLING = [
  0,
  1,
  2,
  3,
  4,
  5,
  6,
  7,
  27,
  28,
  29,
  33,
  209,
  2 ** 25 + 4,
  2 ** 25 + 5,
  2 ** 32 - 1,
];

const damage: Arbitrary<Damage> = record({
  kind: constantFrom('flip', 'word', 'word', 'word', 'cut', 'insert', 'drop', 'repeat'),
  place: integer({ min: 0, max: 999 }),
  size: integer({ min: 1, max: 40 }),
  value: oneof(constantFrom(...TELLING), integer({ min: 0, max: 2 ** 32 - 1 })),
  bytes: uint8Array({ minLength: 1, maxLength: 40 }),
});

/**
 * Lets a daemon answer with damaged bytes and hang up: whatever the client was waiting for settles,
 * and with an error that says what is known.
 */
export async function checkConversations(
  t: TestContext,
  bounds: { readonly numRuns: number; readonly interruptAfterTimeLimit?: number },
): Promise<void> {
  const fake = await FakeDaemon.start(t);
  const pieces = integer({ min: 1, max: 200 });
  const run = asyncProperty(array(damage, { maxLength: 4 }), pieces, async (damages, size) => {
    const index = fake.links.length;
    const wire = await fake.wire(t, systemClock);
    const link = await fake.link(index);
    const asked = ask(wire);
    const frames = [await link.next(), await link.next(), await link.next(), await link.next()];
    const bytes = damages.reduce(damaged, Buffer.concat(answers(frames)));
    for (let at = 0; at < bytes.length; at += size * 10) {
      link.write(bytes.subarray(at, at + size * 10));
    }
    link.socket.end();
    const outcomes = await Promise.race([asked, hang()]);
    for (const outcome of outcomes) checkOutcome(outcome);
    if (damages.length === 0) checkWhole(outcomes);
    await wire.closed;
  });
  await check(run, bounds);
}

/** Everything a client can wait for, at once. */
async function ask(wire: WireConnection): Promise<readonly PromiseSettledResult<unknown>[]> {
  return Promise.allSettled([
    wire.call(connectGetHostname, {}, WAIT),
    wire.call(domainDestroyFlags, { dom: DOM }, WAIT),
    readEvents(wire),
    wire.openStream(storageVolDownload, VOLUME, WAIT).then(async ({ stream }) => stream.toArray()),
  ]);
}

async function readEvents(wire: WireConnection): Promise<void> {
  const feed = await wire.subscribe(DomainEvent.lifecycle, {}, WAIT);
  for await (const one of feed) assert.equal(typeof one.event, 'number');
}

function answers([hostname, destroy, subscribe, open]: readonly Frame[]): readonly Buffer[] {
  assert.ok(hostname && destroy && subscribe && open);
  const failure = errorPayload(55, 10, 'domain is not running');
  const { procedure, serial } = open;
  return [
    reply(hostname, text('node1')),
    reply(subscribe, words(0)),
    reply(open),
    event(318, 0, Buffer.concat([wireDomain('web1'), words(2, 0)])),
    packet(open, FrameStatus.continue, Buffer.from('data')),
    message(
      { procedure, serial, type: FrameType.streamHole, status: FrameStatus.continue },
      encodeHole(new Hole(4096)),
    ),
    message({ ...destroy, type: FrameType.reply, status: FrameStatus.error }, failure),
    event(318, 0, Buffer.concat([wireDomain('web1', -1), words(5, 1)])),
    packet(open, FrameStatus.continue),
    packet(open, FrameStatus.ok),
  ];
}

function damaged(bytes: Buffer, { kind, place, size, value, bytes: other }: Damage): Buffer {
  const at = Math.floor((bytes.length * place) / 1000);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (kind) {
    case 'flip':
      return Buffer.concat([
        before,
        Buffer.from([(after[0] ?? 0) ^ (value & 0xff)]),
        after.subarray(1),
      ]);
    case 'word': {
      const start = at - (at % 4);
      return Buffer.concat([bytes.subarray(0, start), words(value), bytes.subarray(start + 4)]);
    }
    case 'cut':
      return before;
    case 'insert':
      return Buffer.concat([before, other, after]);
    case 'drop':
      return Buffer.concat([before, after.subarray(size)]);
    case 'repeat':
      return Buffer.concat([before, after.subarray(0, size), after]);
  }
}

/** Undamaged, everything arrives; the events end with the connection. */
function checkWhole(outcomes: readonly PromiseSettledResult<unknown>[]): void {
  const [hostname, destroy, feed, download] = outcomes.map((outcome): unknown =>
    outcome.status === 'fulfilled' ? outcome.value : outcome.reason,
  );
  assert.deepEqual(hostname, { hostname: 'node1' });
  assert.ok(isLibvirtError(destroy, 55));
  assert.ok(isBerthError(feed, 'BERTH_CONNECTION_CLOSED'));
  assert.deepEqual(download, [Buffer.from('data'), new Hole(4096)]);
}

/** A result may be nonsense, since the bytes are; an error has a code in any case. */
function checkOutcome(outcome: PromiseSettledResult<unknown>): void {
  if (outcome.status === 'fulfilled') return;
  const reason: unknown = outcome.reason;
  assert.ok(isBerthError(reason) || isLibvirtError(reason), String(reason));
}

async function hang(): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new Error('something still waits')), HANG_MS).unref();
  });
}
