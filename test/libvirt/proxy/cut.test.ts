import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import {
  connectGetHostname,
  DomainEvent,
  domainLookupByName,
  domainSuspend,
} from '../../../src/libvirt/index.ts';
import { downloadVolume } from '../../../src/libvirt/transfer/download-volume.ts';
import { uploadVolume } from '../../../src/libvirt/transfer/upload-volume.ts';
import { coded } from '../../refusal.ts';
import { skip, virsh } from '../daemon.ts';
import { VolumePool } from '../transfer/volume-pool.ts';
import { converse, messageEnds, open, WAIT } from './conversation.ts';
import { cutConversations, recorded } from './cut-conversations.ts';
import { cutting, proxied } from './tamper.ts';

describe('a connection that is cut', { skip, concurrency: false }, () => {
  test('at and around every message, either way, settles everything with what is known', async (t) => {
    const sent = await recorded(t);
    for (const to of ['daemon', 'client'] as const) {
      const ends = [0, ...messageEnds(sent[to])];
      const around = ends.flatMap((end) => [end - 1, end, end + 1, end + 4, end + 28]);
      const places = [...new Set(around)].filter((at) => at >= 0 && at < sent[to].length);
      await cutConversations(t, to, places);
    }
  });

  test('behind a command leaves its outcome unknown, and ends feeds and other calls', async (t) => {
    const { uri, proxy } = await proxied(t, (from, to) => void from.pipe(to));
    const connection = await open(uri('test'));
    const feed = await connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const { dom } = await connection.call(domainLookupByName, { name: 'test' }, WAIT);
    proxy.freeze();
    const pending = [
      assert.rejects(connection.call(domainSuspend, { dom }, WAIT), coded('BERTH_OUTCOME_UNKNOWN')),
      assert.rejects(
        connection.call(connectGetHostname, {}, WAIT),
        coded('BERTH_CONNECTION_CLOSED'),
      ),
      assert.rejects(feed.take(WAIT), coded('BERTH_CONNECTION_CLOSED')),
    ];
    await proxy.cut();
    await Promise.all(pending);
    assert.equal((await connection.closed).asked, false);
  });

  test('in an upload leaves its outcome unknown, at the first, a middle and the last byte', async (t) => {
    const pool = await VolumePool.make(t, 'cut-up');
    const vol = await pool.volume('v.raw', data.length);
    for (const afterBytes of [700, 300_000, data.length]) {
      const { uri } = await proxied(t, cutting({ to: 'daemon', connection: 1, afterBytes }));
      await using connection = await open(uri('qemu'));
      await assert.rejects(
        uploadVolume(connection, data, { vol }, WAIT),
        coded('BERTH_OUTCOME_UNKNOWN'),
      );
      await connection.call(connectGetHostname, {}, WAIT);
    }
    await virsh('qemu', 'vol-delete', '--pool', 'cut-up', 'v.raw');
  });

  test('in a download fails it and leaves no file', async (t) => {
    const pool = await VolumePool.make(t, 'cut-down');
    const vol = await pool.volume('v.raw', data.length);
    await uploadVolume(pool.connection, data, { vol }, WAIT);
    const dir = await folder(t);
    for (const afterBytes of [600, 300_000, data.length]) {
      const { uri } = await proxied(t, cutting({ to: 'client', connection: 1, afterBytes }));
      await using connection = await open(uri('qemu'));
      await assert.rejects(
        downloadVolume(connection, join(dir, 'out'), { vol }, WAIT),
        coded('BERTH_CONNECTION_CLOSED'),
      );
      await connection.call(connectGetHostname, {}, WAIT);
    }
    assert.deepEqual(await readdir(dir), []);
  });

  test('beside a conversation does not touch it', async (t) => {
    const { uri } = await proxied(t, cutting({ to: 'client', connection: 1, afterBytes: 0 }));
    assert.equal((await converse(uri('test'))).length, 4);
    await assert.rejects(open(uri('test')), (error) => isBerthError(error));
  });
});

const data = Buffer.alloc(2 ** 20, 'data of a volume ');

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-cut-'));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}
