import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  callCounted,
  connect,
  connectGetCapabilities,
  connectGetCpuModelNames,
  connectGetDomainCapabilities,
  connectGetHostname,
  connectGetLibVersion,
  connectGetMaxVcpus,
  connectGetSysinfo,
  connectGetType,
  connectGetUri,
  connectGetVersion,
  connectIsSecure,
  connectListAllDomains,
  connectListAllNetworks,
  connectListAllNodeDevices,
  connectListAllNwfilters,
  connectListAllSecrets,
  connectListAllStoragePools,
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
  isLibvirtError,
  NetworkEvent,
  networkCreate,
  networkDefineXml,
  networkDestroy,
  NetworkEventType,
  networkGetAutostart,
  networkGetDhcpLeases,
  networkGetXmlDesc,
  networkLookupByName,
  networkSetAutostart,
  networkUndefine,
  nodeDeviceGetXmlDesc,
  nodeGetCellsFreeMemory,
  nodeGetCpuMap,
  nodeGetCpuStats,
  nodeGetFreeMemory,
  nodeGetFreePages,
  nodeGetInfo,
  nodeGetMemoryStats,
  secretDefineXml,
  secretSetValue,
  secretUndefine,
  StoragePoolEvent,
  storagePoolDefineXml,
  StoragePoolEventType,
  storagePoolUndefine,
} from '../../../src/libvirt/index.ts';
import { daemon, emptyGuestXml, daemonPid, open, skip, virsh, WAIT } from '../daemon.ts';
import { coded, refusedWith } from '../../refusal.ts';

/** What virsh lists with --name, a line each. */
function names(said: string): readonly string[] {
  return said.split('\n').flatMap((line) => (line.trim() === '' ? [] : [line.trim()]));
}

describe('a host, through a real libvirtd', { skip, concurrency: false }, () => {
  test('tells about itself what virsh tells', async (t) => {
    const connection = await open(t, 'qemu');
    assert.deepEqual(await connection.call(connectGetHostname, {}, WAIT), {
      hostname: await virsh('qemu', 'hostname'),
    });
    assert.deepEqual(await connection.call(connectGetType, {}, WAIT), { type: 'QEMU' });
    assert.deepEqual(await connection.call(connectGetUri, {}, WAIT), { uri: 'qemu:///system' });
    assert.deepEqual(await connection.call(connectIsSecure, {}, WAIT), { secure: true });
    const { libVer } = await connection.call(connectGetLibVersion, {}, WAIT);
    assert.equal(Number(libVer), connection.libVersion);
    assert.ok((await connection.call(connectGetVersion, {}, WAIT)).hvVer > 1_000_000n);
    const { maxVcpus } = await connection.call(connectGetMaxVcpus, { type: 'qemu' }, WAIT);
    assert.equal(maxVcpus, 16); // what libvirt 9 has for emulation, whatever the machine allows
    const { capabilities } = await connection.call(connectGetCapabilities, {}, WAIT);
    assert.equal(capabilities.trim(), await virsh('qemu', 'capabilities'));
    const asked = { arch: 'x86_64', virttype: 'qemu', machine: 'q35' };
    const ours = await connection.call(connectGetDomainCapabilities, asked, WAIT);
    const theirs = [
      'domcapabilities',
      '--arch',
      'x86_64',
      '--virttype',
      'qemu',
      '--machine',
      'q35',
    ];
    assert.equal(ours.capabilities.trim(), await virsh('qemu', ...theirs));
    const { models } = await connection.call(connectGetCpuModelNames, { arch: 'x86_64' }, WAIT);
    assert.deepEqual(models.join('\n'), await virsh('qemu', 'cpu-models', 'x86_64'));
    await connection
      .call(connectGetSysinfo, {}, WAIT)
      .catch(refusedWith(ErrorCode.configUnsupported));
  });

  test('tells about its processors and memory what virsh tells', async (t) => {
    const connection = await open(t, 'qemu');
    const info = await connection.call(nodeGetInfo, {}, WAIT);
    const said = await virsh('qemu', 'nodeinfo');
    const field = (name: RegExp) => said.match(new RegExp(`^${name.source}: +(\\S+)`, 'm'))?.[1];
    assert.equal(info.model, field(/CPU model/));
    assert.equal(String(info.cpus), field(/CPU\(s\)/));
    assert.equal(String(info.nodes), field(/NUMA cell\(s\)/));
    assert.equal(String(info.memory), field(/Memory size/));
    const map = await connection.call(nodeGetCpuMap, {}, WAIT);
    const cpumap = await virsh('qemu', 'nodecpumap');
    assert.equal(String(map.ret), /present: +(\d+)/.exec(cpumap)?.[1]);
    assert.equal(String(map.online), /online: +(\d+)/.exec(cpumap)?.[1]);
    const memory = await callCounted(connection, nodeGetMemoryStats, { cellNum: -1 }, WAIT);
    const total = memory.params.find((param) => param.field === 'total')?.value;
    assert.equal(String(total), /total *: +(\d+)/.exec(await virsh('qemu', 'nodememstats'))?.[1]);
    const cpu = await callCounted(connection, nodeGetCpuStats, { cpuNum: -1 }, WAIT);
    assert.deepEqual(cpu.params.map((p) => p.field).toSorted(), [
      'idle',
      'iowait',
      'kernel',
      'user',
    ]);
    const { freeMem } = await connection.call(nodeGetFreeMemory, {}, WAIT);
    const cells = await connection.call(
      nodeGetCellsFreeMemory,
      { startCell: 0, maxcells: 8 },
      WAIT,
    );
    assert.equal(cells.cells.length, info.nodes);
    assert.ok(freeMem > 0n && cells.cells.every((free) => free > 0n));
    const pages = { pages: [4, 2048], startCell: 0, cellCount: 1 };
    const { counts } = await connection.call(nodeGetFreePages, pages, WAIT);
    assert.equal(counts.length, 2);
    const huge = /2048KiB: +(\d+)/.exec(
      await virsh('qemu', 'freepages', '--cellno', '0', '--pagesize', '2048'),
    );
    assert.equal(String(counts[1]), huge?.[1]);
  });

  test('lists its devices, networks, pools, filters and secrets', async (t) => {
    const connection = await open(t, 'qemu');
    const { devices } = await connection.call(connectListAllNodeDevices, {}, WAIT);
    assert.equal(
      devices
        .map((d) => d.name)
        .toSorted()
        .join('\n'),
      await virsh('qemu', 'nodedev-list'),
    );
    const [device] = devices;
    assert.ok(device !== undefined);
    const { xml } = await connection.call(nodeDeviceGetXmlDesc, { name: device.name }, WAIT);
    assert.match(xml, /^<device>/);
    const { nets } = await connection.call(connectListAllNetworks, {}, WAIT);
    assert.deepEqual(
      nets.map((n) => n.name),
      names(await virsh('qemu', 'net-list', '--all', '--name')),
    );
    const { pools } = await connection.call(connectListAllStoragePools, {}, WAIT);
    assert.deepEqual(
      pools.map((p) => p.name),
      names(await virsh('qemu', 'pool-list', '--all', '--name')),
    );
    await connection.call(connectListAllNwfilters, {}, WAIT);
    const definition = `<secret ephemeral='no' private='yes'><usage type='volume'><volume>/v</volume></usage></secret>`;
    const { secret } = await connection.call(secretDefineXml, { xml: definition }, WAIT);
    const value = Buffer.from('password');
    await connection.call(secretSetValue, { secret, value }, WAIT);
    assert.deepEqual((await connection.call(connectListAllSecrets, {}, WAIT)).secrets, [secret]);
    assert.equal(secret.usageId, '/v');
    await connection.call(secretUndefine, { secret }, WAIT);
  });

  test('says what a read-only connection may not do', async (t) => {
    const { socket } = await daemon();
    const uri = `qemu:///system?socket=${socket}-ro`;
    const options = { environment: { uid: 0 }, readOnly: true };
    const connection = await connect(uri, options, WAIT);
    t.after(() => connection.close(WAIT));
    await connection.call(connectGetHostname, {}, WAIT);
    await assert.rejects(
      connection.call(domainDefineXmlFlags, { xml: emptyGuestXml('no') }, WAIT),
      refusedWith(ErrorCode.operationDenied),
    );
  });

  test('refuses a driver that it lacks', async () => {
    const { socket } = await daemon();
    const uri = `xen:///system?socket=${socket}`;
    await assert.rejects(
      connect(uri, { environment: { uid: 0 } }, WAIT),
      (error) => isLibvirtError(error) && error.procedure === 'connectOpen',
    );
  });

  test('prefers the socket of its own daemon where that exists', async (t) => {
    const { socket } = await daemon();
    const systemDir = socket.slice(0, socket.lastIndexOf('/'));
    const options = { environment: { uid: 0, systemDir } };
    const connection = await connect('qemu:///system', options, WAIT); // no virtqemud-sock: falls back
    t.after(() => connection.close(WAIT));
    await connection.call(connectGetHostname, {}, WAIT);
  });
});

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

describe('networks, through a real libvirtd', { skip, concurrency: false }, () => {
  test('are defined, started with a bridge, and told about', async (t) => {
    const connection = await open(t, 'qemu');
    const xml = `<network><name>wire0</name><bridge name='wire0'/></network>`;
    const { net } = await connection.call(networkDefineXml, { xml }, WAIT);
    assert.deepEqual(await connection.call(networkLookupByName, { name: 'wire0' }, WAIT), { net });
    await connection.call(networkSetAutostart, { net, autostart: true }, WAIT);
    assert.deepEqual(await connection.call(networkGetAutostart, { net }, WAIT), {
      autostart: true,
    });
    await connection.call(networkCreate, { net }, WAIT);
    assert.match((await connection.call(networkGetXmlDesc, { net }, WAIT)).xml, /wire0/);
    assert.deepEqual((await connection.call(networkGetDhcpLeases, { net }, WAIT)).leases, []);
    await connection.call(networkDestroy, { net }, WAIT);
    await connection.call(networkUndefine, { net }, WAIT);
  });
});

describe('a real libvirtd that dies', { skip, concurrency: false }, () => {
  test('is noticed at once, by calls, feeds and the connection itself', async (t) => {
    const connection = await open(t, 'test');
    const feed = await connection.subscribe(DomainEvent.lifecycle, {}, WAIT);
    const taking = assert.rejects(feed.take(WAIT), coded('BERTH_CONNECTION_CLOSED'));
    process.kill(await daemonPid(), 'SIGKILL');
    const { asked, error } = await connection.closed;
    assert.deepEqual([asked, error.code], [false, 'BERTH_CONNECTION_CLOSED']);
    await taking;
    await assert.rejects(
      connection.call(connectGetHostname, {}, WAIT),
      coded('BERTH_CONNECTION_CLOSED'),
    );
  });
});
