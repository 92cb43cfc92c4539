import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import {
  ErrorCode,
  isUnknownProcedure,
  networkDefineXml,
  NetworkEvent,
  networkGetMetadata,
  NetworkMetadataType,
  networkSetMetadata,
  networkUndefine,
} from '../../../src/libvirt/index.ts';
import { refusedWith } from '../../refusal.ts';
import { open, python, skip, WAIT } from '../daemon.ts';

/** The first libvirt that tells of changes, which is one after it took them. */
const SINCE = 9_008_000;

describe('metadata of networks, through a real libvirtd', { skip, concurrency: false }, () => {
  test('are kept, read back, told about, and taken away', async (t) => {
    const connection = await open(t, 'qemu');
    if (connection.libVersion < SINCE) return t.skip('needs: libvirt 9.8');
    const feed = await connection.subscribe(NetworkEvent.metadataChange, {}, WAIT);
    const xml = `<network><name>meta</name><uuid>${randomUUID()}</uuid><bridge name='meta'/></network>`;
    const { net: network } = await connection.call(networkDefineXml, { xml }, WAIT);
    const net = network;
    const { title, description, element } = NetworkMetadataType;
    const described = async () =>
      String(await python('qemu', `c.networkLookupByName('meta').XMLDesc()`));
    for (const [type, tag] of [
      [title, 'title'],
      [description, 'description'],
    ] as const) {
      await connection.call(networkSetMetadata, { network, type, metadata: `a ${tag}` }, WAIT);
      assert.ok((await described()).includes(`<${tag}>a ${tag}</${tag}>`));
      const read = await connection.call(networkGetMetadata, { network, type }, WAIT);
      assert.deepEqual(read, { metadata: `a ${tag}` });
      assert.deepEqual(await feed.take(WAIT), { net, type, nsuri: undefined });
    }
    const own = { network, type: element, uri: 'https://berth.example/1' };
    const metadata = '<owner>somebody</owner>';
    await connection.call(networkSetMetadata, { ...own, key: 'berth', metadata }, WAIT);
    assert.match(await described(), /<berth:owner xmlns:berth="https:\/\/berth.example\/1">/);
    assert.deepEqual(await connection.call(networkGetMetadata, own, WAIT), { metadata });
    assert.deepEqual(await feed.take(WAIT), { net, type: element, nsuri: own.uri });
    await connection.call(networkSetMetadata, { ...own, key: 'berth' }, WAIT);
    await assert.rejects(
      connection.call(networkGetMetadata, own, WAIT),
      refusedWith(ErrorCode.noNetworkMetadata),
    );
    await connection.call(networkUndefine, { net }, WAIT);
  });

  test('are unknown to a daemon that is too old', async (t) => {
    const connection = await open(t, 'qemu');
    if (connection.libVersion >= SINCE) return t.skip('needs: libvirt before 9.7');
    const network = { name: '', uuid: randomUUID() };
    const asked = { network, type: NetworkMetadataType.title };
    await assert.rejects(connection.call(networkGetMetadata, asked, WAIT), isUnknownProcedure);
    await assert.rejects(connection.call(networkSetMetadata, asked, WAIT), isUnknownProcedure);
  });
});
