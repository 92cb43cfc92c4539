import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { describe, test } from 'node:test';
import {
  ErrorCode,
  storagePoolCreate,
  storagePoolDefineXml,
  storagePoolDestroy,
  storagePoolGetInfo,
  storagePoolListAllVolumes,
  storagePoolLookupByName,
  storagePoolRefresh,
  StoragePoolState,
  storagePoolUndefine,
  storageVolCreateXml,
  storageVolDelete,
  storageVolDownload,
  StorageVolDownloadFlag,
  storageVolGetInfoFlags,
  storageVolGetXmlDesc,
  storageVolLookupByPath,
  storageVolResize,
  storageVolUpload,
} from '../../../src/libvirt/index.ts';
import { aside, folderPoolXml, open, skip, virsh, WAIT } from '../daemon.ts';
import { refusedWith } from '../../refusal.ts';

describe('storage, through a real libvirtd', { skip, concurrency: false }, () => {
  test('takes data, gives them back, and says when there is no room', async (t) => {
    const connection = await open(t, 'qemu');
    const xml = await folderPoolXml('data');
    const { pool } = await connection.call(storagePoolDefineXml, { xml }, WAIT);
    await connection.call(storagePoolCreate, { pool }, WAIT);
    const { state, capacity } = await connection.call(storagePoolGetInfo, { pool }, WAIT);
    assert.equal(state, StoragePoolState.running);
    assert.ok(capacity > 0n);
    assert.deepEqual(await connection.call(storagePoolLookupByName, { name: 'data' }, WAIT), {
      pool,
    });
    const volume = `<volume><name>v.raw</name><capacity unit='MiB'>3</capacity></volume>`;
    const { vol } = await connection.call(storageVolCreateXml, { pool, xml: volume }, WAIT);
    const data = Buffer.alloc(3 * 2 ** 20, 'berth ');
    const side = await aside(t, connection);
    const whole = { vol, offset: 0n, length: 0n };
    const up = (await side.openStream(storageVolUpload, whole, WAIT)).stream;
    await pipeline(Readable.from([data.subarray(0, 7), data.subarray(7)]), up);
    const down = (await side.openStream(storageVolDownload, whole, WAIT)).stream;
    assert.ok(Buffer.concat(await down.toArray()).equals(data));
    const part = { vol, offset: 6n, length: 12n };
    const piece = (await side.openStream(storageVolDownload, part, WAIT)).stream;
    assert.equal(Buffer.concat(await piece.toArray()).toString(), 'berth berth ');
    const small = (await side.openStream(storageVolUpload, { ...whole, length: 4n }, WAIT)).stream;
    await assert.rejects(
      pipeline(Readable.from([data]), small),
      refusedWith(ErrorCode.systemError),
    );
    await connection.call(storageVolResize, { vol, capacity: 4n * 2n ** 20n }, WAIT);
    const info = await connection.call(storageVolGetInfoFlags, { vol }, WAIT);
    assert.deepEqual([info.type, info.capacity], [0, 4n * 2n ** 20n]);
    const path = await virsh('qemu', 'vol-path', '--pool', 'data', 'v.raw');
    assert.deepEqual(await connection.call(storageVolLookupByPath, { path }, WAIT), { vol });
    assert.match((await connection.call(storageVolGetXmlDesc, { vol }, WAIT)).xml, /v\.raw/);
    await connection.call(storageVolDelete, { vol }, WAIT);
    await connection.call(storagePoolRefresh, { pool }, WAIT);
    const { vols } = await connection.call(storagePoolListAllVolumes, { pool }, WAIT);
    assert.deepEqual(
      vols.map((v) => v.name),
      ['old.raw'],
    );
    await connection.call(storagePoolDestroy, { pool }, WAIT);
    await connection.call(storagePoolUndefine, { pool }, WAIT);
  });

  test('gives a sparse volume with its holes as zeros', async (t) => {
    const connection = await open(t, 'qemu');
    const xml = await folderPoolXml('sparse');
    const { pool } = await connection.call(storagePoolDefineXml, { xml }, WAIT);
    await connection.call(storagePoolCreate, { pool }, WAIT);
    const volume = `<volume><name>s.raw</name><capacity unit='MiB'>8</capacity><allocation>0</allocation></volume>`;
    const { vol } = await connection.call(storageVolCreateXml, { pool, xml: volume }, WAIT);
    const side = await aside(t, connection);
    const middle = { vol, offset: 2n ** 20n, length: 4n };
    const up = (await side.openStream(storageVolUpload, middle, WAIT)).stream;
    await pipeline(Readable.from([Buffer.from('data')]), up);
    const flags = StorageVolDownloadFlag.sparseStream;
    const asked = { vol, offset: 0n, length: 0n, flags };
    const down = (await side.openStream(storageVolDownload, asked, WAIT)).stream;
    const data = Buffer.concat(await down.toArray());
    assert.equal(data.length, 8 * 2 ** 20);
    assert.equal(data.subarray(2 ** 20, 2 ** 20 + 4).toString(), 'data');
    assert.equal(data.indexOf('data'), 2 ** 20);
    await connection.call(storageVolDelete, { vol }, WAIT);
    await connection.call(storagePoolDestroy, { pool }, WAIT);
    await connection.call(storagePoolUndefine, { pool }, WAIT);
  });
});
