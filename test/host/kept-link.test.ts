import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptLink, type LinkKeeper } from '../../src/host/kept-link.ts';
import { FrameStatus, type Frame } from '../../src/libvirt/rpc/frame.ts';
import { errorPayload, FakeDaemon, message } from '../libvirt/fake-daemon.ts';
import { coded } from '../refusal.ts';

const WAIT = { deadlineMs: 1000 };

/** With the least chance the pause behind a first failure is half of BACKOFF_DEFAULT's 200 ms. */
const LEAST_PAUSE_MS = 100;

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
  const { link, lost } = keep(fake.uri);
  t.after(async () => link.close(WAIT));
  const asked = [await fake.next(), await fake.next(), await fake.next(), await fake.next()];
  const [first, ...others] = asked.map(refusal);
  fake.write(first ?? Buffer.alloc(0));
  await lost;
  const since = performance.now();
  fake.write(...others);
  await fake.link(1);
  assert.ok(performance.now() - since > LEAST_PAUSE_MS / 2);
});
