import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { array, assert as check, asyncProperty, integer, record } from 'fast-check';
import { downloadVolume } from '../../../src/libvirt/transfer/download-volume.ts';
import { uploadVolume } from '../../../src/libvirt/transfer/upload-volume.ts';
import type { Way } from '../../server/relay.ts';
import { skip } from '../daemon.ts';
import { VolumePool } from '../transfer/volume-pool.ts';
import { converse, open, WAIT } from './conversation.ts';
import { altering, merging, proxied, recording, splitting } from './tamper.ts';

/** Chunks of this size, begun at each of its bytes, are split at every byte of a conversation. */
const CHUNK_BYTES = 32;

const sizes = array(integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 8 });

describe('between client and daemon', { skip, concurrency: false }, () => {
  test('a split at every byte of a conversation loses no answer and no event', async (t) => {
    const { uri } = await proxied(t, recording({ daemon: [], client: [] }));
    const whole = await converse(uri('test'));
    assert.equal(whole.length, 4);
    for (let first = 1; first <= CHUNK_BYTES; first++) {
      const rest = Array.from({ length: 999 }, () => CHUNK_BYTES);
      const split = await proxied(
        t,
        altering(() => splitting([first, ...rest])),
      );
      assert.deepEqual(await converse(split.uri('test')), whole, `first chunk of ${first}`);
    }
    const single = await proxied(
      t,
      altering(() => splitting([1])),
    );
    assert.deepEqual(await converse(single.uri('test')), whole);
  });

  test('splits, delays and merges of any kind lose no answer and no event', async (t) => {
    const { uri } = await proxied(t, recording({ daemon: [], client: [] }));
    const whole = await converse(uri('test'));
    const mode = record({
      sizes,
      turns: integer({ min: 0, max: 40 }),
      merges: integer({ min: 0, max: 3 }),
    });
    const run = asyncProperty(mode, async ({ sizes: given, turns, merges }) => {
      const alter = ({ to }: Way) =>
        (to === 'client' ? merges % 2 : merges >> 1) === 1 ? merging(turns) : splitting(given);
      const { uri: altered } = await proxied(t, altering(alter));
      assert.deepEqual(await converse(altered('test')), whole);
    });
    await check(run, { numRuns: 30 });
  });

  test('splits and merges lose no byte of an upload or a download, with holes or without', async (t) => {
    const data = bytes();
    const pool = await VolumePool.make(t, 'split');
    const file = join(await folder(t), 'in');
    await writeFile(file, data);
    const kilo = integer({ min: 1, max: 70_000 });
    const mode = record({
      sizes: array(kilo, { minLength: 1, maxLength: 5 }),
      merges: integer({ min: 0, max: 3 }),
    });
    let volumes = 0;
    const run = asyncProperty(mode, async ({ sizes: given, merges }) => {
      const alter = ({ to }: Way) =>
        (to === 'client' ? merges % 2 : merges >> 1) === 1
          ? merging(3)
          : splitting([...given, 65_536, 262_144]);
      const { uri, proxy } = await proxied(t, altering(alter));
      for (const sparse of [false, true]) {
        const vol = await pool.volume(`v${volumes++}.raw`, data.length);
        await using connection = await open(uri('qemu'));
        await uploadVolume(connection, file, { vol, sparse }, WAIT);
        const back = Buffer.alloc(data.length, 1);
        const { holeBytes } = await downloadVolume(connection, back, { vol, sparse }, WAIT);
        assert.ok(back.equals(data));
        assert.equal(holeBytes > 0, sparse);
      }
      assert.ok(proxy.count.connections >= 4, 'streams went by way of the proxy');
    });
    await check(run, { numRuns: 6 });
  });
});

/** 4 MiB of noise, no piece of which is another, with a hole in it and one at its end. */
function bytes(): Buffer {
  const noise = (from: number) =>
    Array.from({ length: 2 ** 17 }, (_, i) =>
      createHash('md5')
        .update(`${from + i}`)
        .digest(),
    );
  return Buffer.concat([
    ...noise(0),
    Buffer.alloc(2 ** 20),
    ...noise(2 ** 17),
    Buffer.alloc(2 ** 20),
  ]);
}

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-split-'));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}
