import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { KeptLink, type LinkKeeper } from '../../src/host/kept-link.ts';
import { FrameStatus, type Frame } from '../../src/libvirt/rpc/frame.ts';
import { errorPayload, FakeDaemon, message, reply } from '../libvirt/fake-daemon.ts';
import { coded } from '../refusal.ts';

const WAIT = { deadlineMs: 1000 };

/** Rounds of the event loop, more than an attempt to connect takes to reach the daemon. */
const TURNS = 20;

/** A link whose keeper tells of the first loss only. */
function keep(uri: string) {
  const lost = Promise.withResolvers<unknown>();
  const keeper: LinkKeeper = {
    takeIn: async () => undefined,
    open: () => undefined,
    lost: lost.resolve,
    apply: async () => undefined,
  };
  const address = { name: 'h', uri, environment: { uid: 0 } };
  return { link: new KeptLink(address, keeper, () => 0), lost: lost.promise };
}

function refusal({ procedure, serial }: Frame): Buffer {
  const payload = errorPayload(1, 6, 'no events here');
  return message({ procedure, serial, status: FrameStatus.error }, payload);
}

test('a link that nothing but another URI would help is lost, and lets everything else go on', async () => {
  const { link, lost } = keep(`qemu:///system?socket=/${'x'.repeat(200)}`);
  coded('BERTH_TOO_LARGE')(await lost);
  await new Promise((resolve) => setImmediate(resolve)); // never came while the news were asked for
  await link.close(WAIT);
});

test('news that are refused late do not cut the pause behind the connection that they ended', async (t) => {
  const fake = await FakeDaemon.start(t);
  t.mock.timers.enable({ apis: ['setTimeout'] }); // so no pause ends by itself
  const { link, lost } = keep(fake.uri);
  t.after(async () => link.close(WAIT));
  const asked = [await fake.next(), await fake.next(), await fake.next(), await fake.next()];
  const [first, ...others] = asked.map(refusal);
  assert.ok(first);
  fake.write(first);
  await lost;
  const goodBye = await fake.next();
  fake.write(...others, reply(goodBye));
  const socket = await fake.socket();
  if (!socket.closed) await once(socket, 'close');
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
  await fake.connect(t); // whoever had come before it would have been let in before it
  assert.equal(fake.links.length, 2);
});
