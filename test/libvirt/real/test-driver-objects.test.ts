import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  connectFindStoragePoolSources,
  connectGetSysinfo,
  connectListAllDomains,
  connectListAllInterfaces,
  domainCreateWithFlags,
  domainDefineXmlFlags,
  DomainEvent,
  DomainEventType,
  domainGetXmlDesc,
  domainLookupById,
  domainLookupByName,
  domainLookupByUuid,
  domainOf,
  domainReboot,
  domainResume,
  domainShutdownFlags,
  domainSuspend,
  domainUndefineFlags,
  ErrorCode,
  interfaceChangeBegin,
  interfaceChangeCommit,
  interfaceChangeRollback,
  interfaceCreate,
  interfaceDefineXml,
  interfaceDestroy,
  interfaceGetXmlDesc,
  interfaceIsActive,
  InterfaceListFlag,
  interfaceLookupByMacString,
  interfaceLookupByName,
  interfaceUndefine,
  isLibvirtError,
  networkCreate,
  networkDefineXml,
  networkDestroy,
  NetworkEvent,
  NetworkEventType,
  networkUndefine,
  nodeDeviceCreateXml,
  nodeDeviceDestroy,
  NodeDeviceEvent,
  NodeDeviceEventType,
  nodeDeviceGetParent,
  nodeDeviceGetXmlDesc,
  nodeDeviceListCaps,
  nodeDeviceLookupByName,
  nodeDeviceLookupScsiHostByWwn,
  nodeDeviceNumOfCaps,
  nodeSuspendForDuration,
  NodeSuspendTarget,
  storagePoolDefineXml,
  StoragePoolEvent,
  StoragePoolEventType,
  storagePoolUndefine,
} from '../../../src/libvirt/index.ts';
import { refusedWith } from '../../refusal.ts';
import { open, python, skip, virsh, WAIT } from '../daemon.ts';

describe('the test driver, through a real libvirtd', { skip, concurrency: false }, () => {
  test('lists its domain and finds it in every way', async (t) => {
    const connection = await open(t, 'test');
    const { domains } = await connection.call(connectListAllDomains, {}, WAIT);
    assert.deepEqual(
      domains.map((d) => [d.name, d.id]),
      [['test', 1]],
    );
    const { uuid } = domains[0]!;
    const { dom } = await connection.call(domainLookupByName, { name: 'test' }, WAIT);
    assert.deepEqual(dom, domains[0]);
    assert.deepEqual(await connection.call(domainLookupByUuid, { uuid }, WAIT), { dom });
    assert.deepEqual(await connection.call(domainLookupById, { id: 1 }, WAIT), { dom });
    const { xml } = await connection.call(domainGetXmlDesc, { dom: domainOf(uuid) }, WAIT);
    assert.equal(xml.trim(), await virsh('test', 'dumpxml', 'test'));
    await assert.rejects(
      connection.call(domainLookupByName, { name: 'none' }, WAIT),
      refusedWith(ErrorCode.noDomain),
    );
  });

  test('tells every change of a domain to another connection', async (t) => {
    const [connection, watcher] = [await open(t, 'test'), await open(t, 'test')];
    const feed = await watcher.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const xml = `<domain type='test'><name>é</name><memory>1024</memory><os><type>hvm</type></os></domain>`;
    const { dom } = await connection.call(domainDefineXmlFlags, { xml }, WAIT);
    await connection.call(domainCreateWithFlags, { dom }, WAIT);
    await connection.call(domainSuspend, { dom }, WAIT);
    await connection.call(domainResume, { dom }, WAIT);
    await connection.call(domainReboot, { dom }, WAIT);
    await connection.call(domainShutdownFlags, { dom }, WAIT);
    await connection.call(domainUndefineFlags, { dom }, WAIT);
    const { defined, started, suspended, resumed, stopped } = DomainEventType;
    const wanted = [defined, started, suspended, resumed, stopped, DomainEventType.undefined];
    const seen: number[] = [];
    while (!seen.includes(DomainEventType.undefined)) {
      const { dom: subject, event } = await feed.take(WAIT);
      assert.equal(subject.name, 'é');
      seen.push(event);
    }
    assert.deepEqual(
      seen.filter((event) => wanted.includes(event as 0)),
      wanted,
    );
  });

  test('tells the life of networks and pools, each with its own counting of callbacks', async (t) => {
    const connection = await open(t, 'test');
    const domains = await connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const networks = await connection.subscribe(NetworkEvent.lifecycle, {}, WAIT);
    const pools = await connection.subscribe(StoragePoolEvent.lifecycle, {}, WAIT);
    const xml = `<network><name>n1</name><bridge name='v1'/></network>`;
    const { net } = await connection.call(networkDefineXml, { xml }, WAIT);
    await connection.call(networkCreate, { net }, WAIT);
    await connection.call(networkDestroy, { net }, WAIT);
    await connection.call(networkUndefine, { net }, WAIT);
    const seen = [];
    for (let i = 0; i < 4; i++) seen.push((await networks.take(WAIT)).event);
    const { defined, started, stopped } = NetworkEventType;
    assert.deepEqual(seen, [defined, started, stopped, NetworkEventType.undefined]);
    const poolXml = `<pool type='dir'><name>p1</name><target><path>/tmp/p1</path></target></pool>`;
    const { pool } = await connection.call(storagePoolDefineXml, { xml: poolXml }, WAIT);
    assert.equal((await pools.take(WAIT)).event, StoragePoolEventType.defined);
    await connection.call(storagePoolUndefine, { pool }, WAIT);
    assert.deepEqual(domains.drain(), []);
  });

  test('keeps a hundred calls apart that are made at once', async (t) => {
    const connection = await open(t, 'test');
    const uuids = await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const name = index % 2 === 0 ? 'test' : `none${index}`;
        return connection.call(domainLookupByName, { name }, WAIT).then(
          ({ dom }) => dom.name,
          (error: unknown) => isLibvirtError(error, ErrorCode.noDomain) && error.message,
        );
      }),
    );
    assert.ok(uuids.every((name, index) => (index % 2 === 0 ? name === 'test' : name !== false)));
  });
});

describe('interfaces, in the test driver of a real libvirtd', { skip, concurrency: false }, () => {
  test('are listed, found and described as the binding does', async (t) => {
    const connection = await open(t, 'test');
    const { ifaces, ret } = await connection.call(connectListAllInterfaces, {}, WAIT);
    assert.deepEqual([ret, ifaces.map((iface) => iface.name)], [1, ['eth1']]);
    const [iface] = ifaces;
    assert.ok(iface !== undefined);
    const { name, mac } = iface;
    assert.equal(mac, await python('test', `c.interfaceLookupByName('eth1').MACString()`));
    assert.deepEqual(await connection.call(interfaceLookupByName, { name }, WAIT), { iface });
    assert.deepEqual(await connection.call(interfaceLookupByMacString, { mac }, WAIT), { iface });
    const { xml } = await connection.call(interfaceGetXmlDesc, { iface }, WAIT);
    assert.equal(xml, await python('test', `c.interfaceLookupByName('eth1').XMLDesc()`));
    const flags = InterfaceListFlag.inactive;
    assert.equal((await connection.call(connectListAllInterfaces, { flags }, WAIT)).ret, 0);
    await assert.rejects(
      connection.call(interfaceLookupByName, { name: 'none' }, WAIT),
      refusedWith(ErrorCode.noInterface),
    );
  });

  test('are defined, brought up and down, and taken away again', async (t) => {
    const connection = await open(t, 'test');
    const xml = `<interface type='ethernet' name='eth7'><mac address='aa:bb:cc:dd:ee:07'/></interface>`;
    const { iface } = await connection.call(interfaceDefineXml, { xml }, WAIT);
    const isUp = async () => {
      const { active } = await connection.call(interfaceIsActive, { iface }, WAIT);
      assert.equal(
        await python('test', `c.interfaceLookupByName('eth7').isActive()`),
        active ? 1 : 0,
      );
      return active;
    };
    assert.equal(await isUp(), false);
    await connection.call(interfaceCreate, { iface }, WAIT);
    assert.equal(await isUp(), true);
    await connection.call(interfaceDestroy, { iface }, WAIT);
    assert.equal(await isUp(), false);
    await connection.call(interfaceUndefine, { iface }, WAIT);
    assert.doesNotMatch(await virsh('test', 'iface-list', '--all'), /eth7/);
  });

  test('change on trial, and for good when that is said', async (t) => {
    const connection = await open(t, 'test');
    const xml = `<interface type='ethernet' name='eth8'><mac address='aa:bb:cc:dd:ee:08'/></interface>`;
    await connection.call(interfaceChangeBegin, {}, WAIT);
    await assert.rejects(
      connection.call(interfaceChangeBegin, {}, WAIT),
      refusedWith(ErrorCode.operationInvalid),
    );
    await connection.call(interfaceDefineXml, { xml }, WAIT);
    assert.match(await virsh('test', 'iface-list', '--all'), /eth8/);
    await connection.call(interfaceChangeRollback, {}, WAIT);
    assert.doesNotMatch(await virsh('test', 'iface-list', '--all'), /eth8/);
    await connection.call(interfaceChangeBegin, {}, WAIT);
    const { iface } = await connection.call(interfaceDefineXml, { xml }, WAIT);
    await connection.call(interfaceChangeCommit, {}, WAIT);
    assert.match(await virsh('test', 'iface-list', '--all'), /eth8/);
    await connection.call(interfaceUndefine, { iface }, WAIT);
  });
});

describe('devices, in the test driver of a real libvirtd', { skip, concurrency: false }, () => {
  test('are made, told about, described as the binding does, and unmade', async (t) => {
    const connection = await open(t, 'test');
    const feed = await connection.subscribe(NodeDeviceEvent.lifecycle, {}, WAIT);
    const [wwnn, wwpn] = ['2001001b32a9da4e', '2101001b32a9da4e'];
    const adapter = `<capability type='fc_host'><wwnn>${wwnn}</wwnn><wwpn>${wwpn}</wwpn></capability>`;
    const xmlDesc = `<device><parent>scsi_host1</parent><capability type='scsi_host'>${adapter}</capability></device>`;
    const { dev } = await connection.call(nodeDeviceCreateXml, { xmlDesc }, WAIT);
    const { name } = dev;
    const { created, deleted } = NodeDeviceEventType;
    assert.deepEqual(await feed.take(WAIT), { dev, event: created, detail: 0 });
    const { xml } = await connection.call(nodeDeviceGetXmlDesc, { name }, WAIT);
    assert.equal(xml, await python('test', `c.nodeDeviceLookupByName('${name}').XMLDesc()`));
    assert.match(xml, new RegExp(wwpn));
    const parent = await connection.call(nodeDeviceGetParent, { name }, WAIT);
    assert.equal(
      parent.parentName,
      await python('test', `c.nodeDeviceLookupByName('${name}').parent()`),
    );
    const { num } = await connection.call(nodeDeviceNumOfCaps, { name }, WAIT);
    const caps = await connection.call(nodeDeviceListCaps, { name, maxnames: num }, WAIT);
    assert.deepEqual(
      caps.names,
      await python('test', `c.nodeDeviceLookupByName('${name}').listCaps()`),
    );
    await assert.rejects(
      connection.call(nodeDeviceLookupScsiHostByWwn, { wwnn, wwpn }, WAIT),
      refusedWith(ErrorCode.noSupport),
    );
    await connection.call(nodeDeviceDestroy, { name }, WAIT);
    assert.deepEqual(await feed.take(WAIT), { dev, event: deleted, detail: 0 });
    await assert.rejects(
      connection.call(nodeDeviceLookupByName, { name }, WAIT),
      refusedWith(ErrorCode.noNodeDevice),
    );
  });
});

describe(
  'what else only the test driver of a real libvirtd can do',
  { skip, concurrency: false },
  () => {
    test('finds sources of storage pools', async (t) => {
      const connection = await open(t, 'test');
      const { xml } = await connection.call(
        connectFindStoragePoolSources,
        { type: 'logical' },
        WAIT,
      );
      assert.equal(xml, await python('test', `c.findStoragePoolSources('logical', None)`));
      assert.match(xml, /^<sources>/);
      const srcSpec = `<source><host name='nas'/></source>`;
      const netfs = await connection.call(
        connectFindStoragePoolSources,
        { type: 'netfs', srcSpec },
        WAIT,
      );
      assert.match(netfs.xml, /<host name='nas'\/>/);
    });

    test('describes a machine that has a system table', async (t) => {
      const connection = await open(t, 'test');
      const { sysinfo } = await connection.call(connectGetSysinfo, {}, WAIT);
      assert.equal(sysinfo, await python('test', 'c.getSysinfo()'));
      assert.match(sysinfo, /<sysinfo type='smbios'>/);
    });

    test('is not put to sleep', async (t) => {
      const connection = await open(t, 'test');
      const asked = { target: NodeSuspendTarget.mem, duration: 60n };
      await assert.rejects(
        connection.call(nodeSuspendForDuration, asked, WAIT),
        refusedWith(ErrorCode.noSupport),
      );
    });
  },
);
