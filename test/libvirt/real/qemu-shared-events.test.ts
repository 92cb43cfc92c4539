import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  domainCreateXml,
  domainDefineXmlFlags,
  domainDestroyFlags,
  DomainEvent,
  domainResume,
  domainSuspend,
  domainUndefineFlags,
  ErrorCode,
  lastingConnection,
  networkDefineXml,
  NetworkEvent,
  networkUndefine,
  nodeDeviceCreateXml,
  nodeDeviceDestroy,
  NodeDeviceEvent,
  qemuMonitorEvent,
  QemuMonitorEventFlag,
  secretDefineXml,
  SecretEvent,
  secretUndefine,
  storagePoolDefineXml,
  StoragePoolEvent,
  storagePoolUndefine,
  type Connection,
  type EventFeed,
  type EventKind,
} from '../../../src/libvirt/index.ts';
import { coded, refusedWith } from '../../refusal.ts';
import { emptyGuestXml, open, skip, uriOf, WAIT } from '../daemon.ts';

/** Registers without the client's sharing, as libvirt itself sees it; undone at once. */
async function registerAlone<E, O>(
  connection: Connection,
  { source, eventId }: EventKind<E, O>,
  object: O | undefined,
): Promise<void> {
  const { callbackId } = await connection.call(source.register, { eventId, object }, WAIT);
  await connection.call(source.deregister, { callbackId }, WAIT);
}

/**
 * Asserts that libvirt allows one registration of that kind for the object and one for all, and that
 * feeds beyond that get its events all the same, whoever else of them leaves.
 */
async function assertShared<E, O>(
  connection: Connection,
  kind: EventKind<E, O>,
  names: readonly [O, O],
  provoke: () => Promise<unknown>,
): Promise<void> {
  const [object, sameObject] = names;
  const asked = [undefined, object, undefined, sameObject, undefined, object];
  const subscribing = asked.map(async (object) => connection.subscribe(kind, { object }, WAIT));
  const [all, one, ...feeds] = await Promise.all(subscribing);
  await all?.close(WAIT);
  await one?.close(WAIT);
  for (const object of [undefined, ...names]) {
    const refused = refusedWith(ErrorCode.invalidArg);
    await assert.rejects(registerAlone(connection, kind, object), refused);
  }
  await provoke();
  const [first, ...others] = await Promise.all(feeds.map(async (feed) => feed.take(WAIT)));
  for (const other of others) assert.deepEqual(other, first);
  for (const feed of feeds) assert.deepEqual(feed.drain(), []);
  await Promise.all(feeds.map(async (feed) => feed.close(WAIT)));
  for (const alone of [undefined, object]) await registerAlone(connection, kind, alone);
}

describe('feeds of the same events of a real libvirtd', { skip, concurrency: false }, () => {
  test('of domains', async (t) => {
    const connection = await open(t, 'qemu');
    const xml = emptyGuestXml('shared');
    const { dom } = await connection.call(domainDefineXmlFlags, { xml }, WAIT);
    const nameless = { name: 'whatever', uuid: dom.uuid.toUpperCase(), id: 7 };
    await assertShared(connection, DomainEvent.lifecycle, [dom, nameless], async () =>
      connection.call(domainUndefineFlags, { dom }, WAIT),
    );
  });

  test('of networks', async (t) => {
    const connection = await open(t, 'qemu');
    const xml = '<network><name>shared</name></network>';
    const { net } = await connection.call(networkDefineXml, { xml }, WAIT);
    await assertShared(connection, NetworkEvent.lifecycle, [net, { ...net, name: '' }], async () =>
      connection.call(networkUndefine, { net }, WAIT),
    );
  });

  test('of storage pools', async (t) => {
    const connection = await open(t, 'qemu');
    const xml = `<pool type='dir'><name>shared</name><target><path>/shared</path></target></pool>`;
    const { pool } = await connection.call(storagePoolDefineXml, { xml }, WAIT);
    const names = [pool, { ...pool, name: '' }] as const;
    await assertShared(connection, StoragePoolEvent.lifecycle, names, async () =>
      connection.call(storagePoolUndefine, { pool }, WAIT),
    );
  });

  test('of secrets', async (t) => {
    const connection = await open(t, 'qemu');
    const xml = `<secret><usage type='volume'><volume>/shared</volume></usage></secret>`;
    const { secret } = await connection.call(secretDefineXml, { xml }, WAIT);
    const names = [secret, { ...secret, usageId: '' }] as const;
    await assertShared(connection, SecretEvent.lifecycle, names, async () =>
      connection.call(secretUndefine, { secret }, WAIT),
    );
  });

  test('of devices', async (t) => {
    const connection = await open(t, 'test');
    const xmlDesc = `<device><name>shared</name><parent>scsi_host1</parent>
<capability type='scsi_host'><capability type='fc_host'><wwnn>1000000023452999</wwnn>
<wwpn>1001001023452999</wwpn></capability></capability></device>`;
    const { dev } = await connection.call(nodeDeviceCreateXml, { xmlDesc }, WAIT);
    await assertShared(connection, NodeDeviceEvent.lifecycle, [dev, { ...dev }], async () =>
      connection.call(nodeDeviceDestroy, { name: dev.name }, WAIT),
    );
  });

  test("of QEMU's monitor, by name, by pattern and all at once", async (t) => {
    const connection = await open(t, 'qemu');
    const xmlDesc = emptyGuestXml('shared-monitor');
    const { dom } = await connection.call(domainCreateXml, { xmlDesc }, WAIT);
    const { nocase, regex } = QemuMonitorEventFlag;
    const choices = [
      { event: 'STOP' },
      {},
      { flags: nocase },
      { event: 'stop', flags: nocase },
      { event: '^st', flags: nocase | regex },
      { event: 'STOP' },
      {},
    ];
    const feeds: EventFeed<{ readonly event: string }>[] = [];
    for (const object of [undefined, dom]) {
      for (const choice of choices) {
        feeds.push(await connection.subscribe(qemuMonitorEvent(choice), { object }, WAIT));
      }
    }
    await connection.call(domainSuspend, { dom }, WAIT);
    for (const feed of feeds) assert.equal((await feed.take(WAIT)).event, 'STOP');
    for (const feed of feeds.splice(0, choices.length)) await feed.close(WAIT);
    await connection.call(domainResume, { dom }, WAIT);
    assert.equal((await feeds[1]?.take(WAIT))?.event, 'RESUME');
    await connection.call(domainDestroyFlags, { dom }, WAIT);
  });

  test('on a lasting connection', async (t) => {
    const options = { environment: { uid: 0 }, random: Math.random };
    const connection = lastingConnection(await uriOf('qemu'), options);
    t.after(() => connection.close(WAIT));
    const subscribe = async () => connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const feeds = await Promise.all([subscribe(), subscribe()]);
    feeds.push(await subscribe());
    const xml = emptyGuestXml('shared-lasting');
    const { dom } = await connection.call(domainDefineXmlFlags, { xml }, WAIT);
    for (const feed of feeds) assert.equal((await feed.take(WAIT)).dom.uuid, dom.uuid);
    connection.renew('the test wants another');
    for (const feed of feeds) await assert.rejects(feed.take(WAIT), coded('BERTH_EVENTS_MISSED'));
    await connection.call(domainUndefineFlags, { dom }, WAIT);
    for (const feed of feeds) assert.equal((await feed.take(WAIT)).dom.uuid, dom.uuid);
  });
});
