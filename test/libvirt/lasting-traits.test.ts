import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConnectFeature, networkUpdate } from '../../src/libvirt/index.ts';
import type { Frame } from '../../src/libvirt/rpc/frame.ts';
import { reply, words, type FakeLink } from './fake-daemon.ts';
import { restart, stage } from './lasting-stage.ts';

const WAIT = { deadlineMs: 10_000 };
const SUPPORTS = 60;

/** Features that a connection without keepalive asks for. */
const FEATURES_ASKED = 4;

describe('what a lasting connection knows of its daemon', () => {
  /** Words 3 and 4, behind the network, are the command and the section. */
  const change = {
    net: { name: 'n', uuid: '07070707-0707-0707-0707-070707070707' },
    command: 3,
    section: 4,
    parentIndex: -1,
    xml: '<host/>',
  };
  const order = ({ payload }: Frame): Buffer => payload.subarray(24, 32);

  /** Answers what the opening asks about features. */
  async function answer(link: FakeLink, supported: Buffer): Promise<void> {
    for (let asked = 0; asked < FEATURES_ASKED; asked++) {
      const frame = await link.next();
      assert.equal(frame.procedure, SUPPORTS);
      link.write(reply(frame, supported));
    }
  }

  test('is told while there is one, and not remembered while it is away', async (t) => {
    const scene = await stage(t);
    const { lasting, states } = scene;
    const feature = ConnectFeature.networkUpdateOrder;
    assert.deepEqual([lasting.libVersion, lasting.has(feature)], [undefined, undefined]);
    await states.next('open');
    assert.deepEqual([lasting.libVersion, lasting.has(feature)], [9_000_000, true]);
    scene.fake.die();
    await states.next('away');
    assert.deepEqual([lasting.libVersion, lasting.has(feature)], [undefined, undefined]);
  });

  test('decides the order of a network update when it leaves, not when it is made', async (t) => {
    const scene = await stage(t, {}, new Map([[SUPPORTS, undefined]]));
    const { lasting, states, fake } = scene;
    await answer(await fake.link(0), words(1));
    await states.next('open');
    await restart(scene);
    const updating = networkUpdate(lasting, change, WAIT);
    const link = await fake.link(1);
    await answer(link, words(0)); // the daemon that came back is an older one
    const frame = await link.next();
    assert.deepEqual(order(frame), words(4, 3));
    link.write(reply(frame));
    await updating;
  });
});
