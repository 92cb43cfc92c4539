import assert from 'node:assert/strict';
import {
  mkdtemp,
  open as openFile,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable, Writable } from 'node:stream';
import { describe, test, type TestContext } from 'node:test';
import { isBerthError } from '../../../src/base/errors.ts';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import { ErrorCode, storageVolDownload } from '../../../src/libvirt/index.ts';
import { Hole } from '../../../src/libvirt/streams/hole.ts';
import { downloadVolume, readVolume } from '../../../src/libvirt/transfer/download-volume.ts';
import { uploadVolume } from '../../../src/libvirt/transfer/upload-volume.ts';
import type { TransferProgress } from '../../../src/libvirt/transfer/transfer-progress.ts';
import { coded, refusedWith } from '../../refusal.ts';
import { skip, virsh, WAIT } from '../daemon.ts';
import { VolumePool } from './volume-pool.ts';

const MIB = 2 ** 20;

/** Bytes in which a piece at the wrong place shows. */
function pattern(bytes: number): Buffer {
  const data = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4)
    data.writeUInt32LE((at * 2_654_435_761) >>> 0 || 1, at);
  return data;
}

async function folder(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-transfer-'));
  t.after(() => rm(dir, { recursive: true }));
  return dir;
}

async function allocated(path: string): Promise<number> {
  return (await stat(path)).blocks * 512;
}

/** 8 MiB with 64 KiB of data at 1 MiB and 4 KiB at its end. */
function islands(): Buffer {
  const data = Buffer.alloc(8 * MIB);
  pattern(65_536).copy(data, MIB);
  pattern(4096).copy(data, data.length - 4096);
  return data;
}

describe('a volume, through a real libvirtd', { skip, concurrency: false }, () => {
  test('takes a file, bytes, a stream and an iterable, and virsh reads them back', async (t) => {
    const pool = await VolumePool.make(t, 'sources');
    const { connection } = pool;
    const dir = await folder(t);
    const data = pattern(3 * MIB + 17);
    await writeFile(join(dir, 'in'), data);
    const chunks = [data.subarray(0, 1), data.subarray(1, 300_000), data.subarray(300_000)];
    const sources = [join(dir, 'in'), data, Readable.from(chunks), generate(chunks)];
    for (const [index, source] of sources.entries()) {
      const vol = await pool.volume(`v${index}.raw`, data.length);
      const seen: TransferProgress[] = [];
      const onProgress = (progress: TransferProgress) => seen.push(progress);
      const done = await uploadVolume(connection, source, { vol, onProgress }, WAIT);
      const totalBytes = index < 2 ? data.length : undefined;
      assert.deepEqual(done, { doneBytes: data.length, holeBytes: 0, totalBytes });
      assert.deepEqual(seen.at(-1), done);
      assert.ok(seen.every(({ doneBytes }, i) => doneBytes > (seen[i - 1]?.doneBytes ?? 0)));
      const out = join(dir, `out${index}`);
      await virsh('qemu', 'vol-download', '--pool', 'sources', vol.name, out);
      assert.ok((await readFile(out)).equals(data));
    }
  });

  test('that virsh wrote goes into a file, bytes, a stream and a loop', async (t) => {
    const pool = await VolumePool.make(t, 'targets');
    const { connection } = pool;
    const dir = await folder(t);
    const data = pattern(2 * MIB + 5);
    await writeFile(join(dir, 'in'), data);
    const vol = await pool.volume('v.raw', data.length);
    await virsh('qemu', 'vol-upload', '--pool', 'targets', 'v.raw', join(dir, 'in'));
    const figures = { doneBytes: data.length, holeBytes: 0, totalBytes: data.length };
    const path = join(dir, 'out');
    assert.deepEqual(await downloadVolume(connection, path, { vol }, WAIT), figures);
    assert.ok((await readFile(path)).equals(data));
    const bytes = Buffer.alloc(data.length + 3, 7);
    assert.deepEqual(await downloadVolume(connection, bytes, { vol }, WAIT), figures);
    assert.ok(bytes.equals(Buffer.concat([data, Buffer.alloc(3, 7)])));
    const target = new PassThrough();
    const [, read] = await Promise.all([
      downloadVolume(connection, target, { vol }, WAIT),
      target.toArray(),
    ]);
    assert.ok(Buffer.concat(read as Buffer[]).equals(data));
    const pieces = await all(readVolume(connection, { vol }, WAIT));
    assert.ok(Buffer.concat(pieces as Buffer[]).equals(data));
  });

  test('is written and read in part', async (t) => {
    const pool = await VolumePool.make(t, 'parts');
    const { connection } = pool;
    const vol = await pool.volume('v.raw', MIB);
    await uploadVolume(connection, pattern(MIB), { vol }, WAIT);
    const part = { vol, offset: 1000, length: 6 };
    await uploadVolume(connection, Buffer.from('berth and more'), part, WAIT);
    const expected = pattern(MIB);
    expected.write('berth ', 1000);
    const bytes = Buffer.alloc(20);
    await downloadVolume(connection, bytes, { vol, offset: 990, length: 20 }, WAIT);
    assert.ok(bytes.equals(expected.subarray(990, 1010)));
    assert.ok((await readFile(pool.path(vol))).equals(expected));
    const rest = await all(readVolume(connection, { vol, offset: MIB - 7 }, WAIT));
    assert.ok(Buffer.concat(rest as Buffer[]).equals(expected.subarray(-7)));
    assert.deepEqual(await all(readVolume(connection, { vol, offset: MIB }, WAIT)), []);
  });

  test('keeps its holes both ways, as the blocks of the files show', async (t) => {
    const pool = await VolumePool.make(t, 'holes');
    const { connection } = pool;
    const dir = await folder(t);
    const data = islands();
    const vol = await pool.volume('v.raw', data.length);
    const up = await uploadVolume(connection, data, { vol, sparse: true }, WAIT);
    const holeBytes = data.length - 65_536 - 16_384;
    assert.deepEqual(up, { doneBytes: data.length, holeBytes, totalBytes: data.length });
    assert.ok((await readFile(pool.path(vol))).equals(data));
    assert.ok((await allocated(pool.path(vol))) < 200_000);
    const path = join(dir, 'out');
    const down = await downloadVolume(connection, path, { vol, sparse: true }, WAIT);
    assert.ok(down.holeBytes > 7 * MIB && down.doneBytes === data.length);
    assert.ok((await readFile(path)).equals(data));
    assert.ok((await allocated(path)) < 200_000);
    await virsh('qemu', 'vol-download', '--sparse', '--pool', 'holes', 'v.raw', `${path}.virsh`);
    assert.ok((await readFile(`${path}.virsh`)).equals(data));
    const pieces = await all(readVolume(connection, { vol, sparse: true }, WAIT));
    assert.ok(pieces.some((piece) => piece instanceof Hole));
    const objects = new PassThrough({ objectMode: true });
    await Promise.all([
      downloadVolume(connection, objects, { vol, sparse: true }, WAIT),
      objects.toArray().then((all) => assert.ok(all.some((piece) => piece instanceof Hole))),
    ]);
    const bytes = Buffer.alloc(data.length, 9);
    await downloadVolume(connection, bytes, { vol, sparse: true }, WAIT);
    assert.ok(bytes.equals(data));
  });

  test('that is longer than a sparse upload keeps its length', async (t) => {
    const pool = await VolumePool.make(t, 'tail');
    const { connection } = pool;
    const vol = await pool.volume('v.raw', 16 * MIB);
    await uploadVolume(connection, islands(), { vol, sparse: true }, WAIT);
    const expected = Buffer.concat([islands(), Buffer.alloc(8 * MIB)]);
    assert.ok((await readFile(pool.path(vol))).equals(expected));
    assert.ok((await allocated(pool.path(vol))) < 200_000);
  });

  test('with old data is right after a sparse upload, over it and behind it', async (t) => {
    const pool = await VolumePool.make(t, 'old');
    const { connection } = pool;
    const vol = await pool.volume('v.raw', 6 * MIB);
    const old = Buffer.alloc(6 * MIB, 0xee);
    await uploadVolume(connection, old, { vol }, WAIT);
    const part = Buffer.concat([Buffer.alloc(MIB), pattern(4096), Buffer.alloc(MIB)]);
    await uploadVolume(connection, part, { vol, offset: MIB, sparse: true }, WAIT);
    part.copy(old, MIB);
    assert.ok((await readFile(pool.path(vol))).equals(old));
    const long = Buffer.concat([Buffer.alloc(8 * MIB), pattern(512), Buffer.alloc(MIB)]);
    const done = await uploadVolume(connection, long, { vol, sparse: true }, WAIT);
    assert.ok(done.holeBytes > 2 * MIB && done.holeBytes < 4 * MIB);
    assert.ok((await readFile(pool.path(vol))).equals(long));
  });

  test('of qcow2 arrives as the image it is', async (t) => {
    const pool = await VolumePool.make(t, 'qcow');
    const { connection } = pool;
    const dir = await folder(t);
    const [raw, image, back] = ['raw', 'image', 'back'].map((name) => join(dir, name));
    assert.ok(raw !== undefined && image !== undefined && back !== undefined);
    await writeFile(raw, islands());
    await run('qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, image);
    const vol = await pool.volume('v.qcow2', 8 * MIB, 'qcow2');
    await uploadVolume(connection, image, { vol, sparse: true }, WAIT);
    await run('qemu-img', 'check', pool.path(vol));
    await run('qemu-img', 'compare', pool.path(vol), raw);
    await downloadVolume(connection, back, { vol, sparse: true }, WAIT);
    await run('qemu-img', 'compare', back, raw);
    assert.ok((await readFile(back)).equals(await readFile(pool.path(vol))));
  });

  test('that fails half way leaves no file, and the one that was there as it was', async (t) => {
    const pool = await VolumePool.make(t, 'half');
    const { connection } = pool;
    const dir = await folder(t);
    const path = join(dir, 'out');
    const vol = await pool.volume('v.raw', 4 * MIB);
    await uploadVolume(connection, pattern(4 * MIB), { vol }, WAIT);
    const stop = new AbortController();
    const stopped = { deadlineMs: 10_000, signal: stop.signal };
    const onProgress = () => stop.abort();
    await assert.rejects(
      downloadVolume(connection, path, { vol, onProgress }, stopped),
      coded('BERTH_INTERRUPTED'),
    );
    const boom = new Error('boom');
    const throwing = {
      vol,
      onProgress: () => {
        throw boom;
      },
    };
    await writeFile(path, 'what was there');
    await assert.rejects(downloadVolume(connection, path, throwing, WAIT), boom);
    const beyond = { vol, length: 5 * MIB };
    await assert.rejects(
      downloadVolume(connection, path, beyond, WAIT),
      coded('BERTH_TRANSFER_SHORT'),
    );
    assert.equal(await readFile(path, 'utf8'), 'what was there');
    assert.deepEqual(await readdir(dir), ['out']);
  });

  test('is free again when a stopped transfer has said so', async (t) => {
    const pool = await VolumePool.make(t, 'free');
    const { connection } = pool;
    const vol = await pool.volume('v.raw', 8 * MIB);
    const stop = new AbortController();
    const request = { vol, onProgress: () => stop.abort() };
    const wait = { deadlineMs: 10_000, signal: stop.signal };
    await assert.rejects(uploadVolume(connection, pattern(8 * MIB), request, wait), (error) => {
      assert.ok(isBerthError(error, 'BERTH_OUTCOME_UNKNOWN'));
      assert.doesNotMatch(error.message, /taken back/);
      return error.cause === stop.signal.reason;
    });
    await virsh('qemu', 'vol-delete', '--pool', 'free', 'v.raw');
  });

  test('is not waited for by a source or target that is stuck', async (t) => {
    const pool = await VolumePool.make(t, 'stuck');
    const { connection } = pool;
    const vol = await pool.volume('v.raw', MIB);
    const never: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
    };
    const soon = { deadlineMs: 200 };
    await assert.rejects(uploadVolume(connection, never, { vol }, soon), (error) => {
      assert.ok(isBerthError(error, 'BERTH_OUTCOME_UNKNOWN'));
      return isBerthError(error.cause, 'BERTH_DEADLINE');
    });
    const wall = new Writable({ write: () => undefined });
    await assert.rejects(downloadVolume(connection, wall, { vol }, soon), coded('BERTH_DEADLINE'));
    assert.ok(wall.destroyed);
  });

  test('is refused for a reason that names what to mend', async (t) => {
    const pool = await VolumePool.make(t, 'wrong');
    const { connection } = pool;
    const dir = await folder(t);
    const vol = await pool.volume('v.raw', MIB);
    const gone = { ...vol, name: 'gone', key: '/gone' };
    const up = async (source: Parameters<typeof uploadVolume>[1], request: object = {}) =>
      uploadVolume(connection, source, { vol, ...request }, WAIT);
    const down = async (target: Parameters<typeof downloadVolume>[1], request: object = {}) =>
      downloadVolume(connection, target, { vol, ...request }, WAIT);
    await assert.rejects(up(join(dir, 'no')), coded('BERTH_NOT_FOUND'));
    await assert.rejects(up(dir), coded('BERTH_SPEC_INVALID', /folder/));
    await assert.rejects(up(Buffer.alloc(4), { length: 5 }), coded('BERTH_TRANSFER_SHORT'));
    await assert.rejects(
      up(Readable.from([Buffer.alloc(4)]), { length: 5 }),
      coded('BERTH_TRANSFER_SHORT', /4 of 5/),
    );
    await assert.rejects(up(Readable.from(['text'])), coded('BERTH_SPEC_INVALID', /string/));
    await assert.rejects(up(failing()), /broken source/);
    await assert.rejects(up(Buffer.alloc(1), { offset: -1 }), coded('BERTH_SPEC_INVALID'));
    await assert.rejects(up(Buffer.alloc(1), { vol: gone }), refusedWith(ErrorCode.noStorageVol));
    await assert.rejects(down(join(dir, 'no', 'out')), coded('BERTH_NOT_FOUND'));
    await assert.rejects(down(dir), coded('BERTH_SPEC_INVALID'));
    await assert.rejects(down(Buffer.alloc(MIB - 1)), coded('BERTH_TOO_LARGE'));
    await assert.rejects(down(join(dir, 'o'), { vol: gone }), refusedWith(ErrorCode.noStorageVol));
    await assert.rejects(
      down(new Writable({ write: (_c, _e, done) => done(new Error('full')) })),
      /full/,
    );
    assert.deepEqual(await readdir(dir), []);
  });

  test('that is being read does not fill the memory, however slow its reader is', async (t) => {
    const pool = await VolumePool.make(t, 'slow');
    const { connection } = pool;
    const vol = await pool.volume('v.raw', 64 * MIB);
    const file = await openFile(pool.path(vol), 'r+');
    await file.write(Buffer.alloc(64 * MIB, 5));
    await file.close();
    const before = process.memoryUsage().arrayBuffers;
    const { stream } = await connection.openStream(
      storageVolDownload,
      { vol, offset: 0n, length: 0n },
      WAIT,
    );
    await new Promise((resolve) => stream.once('readable', resolve));
    await virsh('qemu', 'vol-info', '--pool', 'slow', 'v.raw');
    const held = process.memoryUsage().arrayBuffers - before;
    assert.ok(held < 8 * MIB, `${held} bytes wait`);
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
  });
});

async function all(pieces: AsyncIterable<Buffer | Hole>): Promise<readonly (Buffer | Hole)[]> {
  return Readable.from(pieces).toArray() as Promise<readonly (Buffer | Hole)[]>;
}

async function* generate(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks;
}

async function* failing(): AsyncGenerator<Buffer> {
  yield Buffer.alloc(10);
  throw new Error('broken source');
}

async function run(...argv: readonly [string, ...string[]]): Promise<void> {
  await runCommand(argv, { deadlineMs: 30_000 });
}
