import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { runCommand } from '../../../src/lab/system/run-command.ts';
import {
  callCounted,
  ConnectFeature,
  connectListAllNetworks,
  connectListAllNwfilterBindings,
  connectListAllNwfilters,
  ErrorCode,
  networkCreate,
  NetworkCreateFlag,
  networkCreateXml,
  networkCreateXmlFlags,
  NetworkDefineFlag,
  networkDefineXml,
  networkDefineXmlFlags,
  networkDestroy,
  NetworkEvent,
  NetworkEventType,
  networkGetAutostart,
  networkGetBridgeName,
  networkGetDhcpLeases,
  networkGetXmlDesc,
  networkIsActive,
  networkIsPersistent,
  networkListAllPorts,
  NetworkListFlag,
  networkLookupByName,
  networkLookupByUuid,
  networkPortCreateXml,
  networkPortDelete,
  networkPortGetParameters,
  networkPortGetXmlDesc,
  networkPortLookupByUuid,
  networkPortSetParameters,
  NetworkSection,
  networkSetAutostart,
  networkUndefine,
  networkUpdate,
  NetworkUpdateCommand,
  NetworkUpdateFlag,
  nwfilterBindingCreateXml,
  nwfilterBindingDelete,
  nwfilterBindingGetXmlDesc,
  nwfilterBindingLookupByPortDev,
  NwfilterDefineFlag,
  nwfilterDefineXml,
  nwfilterDefineXmlFlags,
  nwfilterGetXmlDesc,
  nwfilterLookupByName,
  nwfilterLookupByUuid,
  nwfilterUndefine,
  paramRecord,
  type TypedParam,
} from '../../../src/libvirt/index.ts';
import { refusedWith } from '../../refusal.ts';
import { until } from '../../lab/tiny-guest.ts';
import { daemon, inHost, open, python, skip, virsh, WAIT } from '../daemon.ts';

/** A network of this host alone, with its bridge named as itself; by STP a new port would wait for long. */
function networkXml(name: string, inner = ''): string {
  return `<network><name>${name}</name><uuid>${randomUUID()}</uuid><bridge name='${name}' stp='off'/>${inner}</network>`;
}

/** What the binding says to a method of a network. */
async function said(name: string, method: string): Promise<unknown> {
  return python('qemu', `c.networkLookupByName('${name}').${method}`);
}

describe('networks, through a real libvirtd', { skip, concurrency: false }, () => {
  test('are defined, found, started with a bridge and stopped, each step told about', async (t) => {
    const connection = await open(t, 'qemu');
    const feed = await connection.subscribe(NetworkEvent.lifecycle, {}, WAIT);
    const xml = networkXml('wire0');
    const { net } = await connection.call(networkDefineXml, { xml }, WAIT);
    assert.equal(net.uuid, await said('wire0', 'UUIDString()'));
    assert.deepEqual(await connection.call(networkLookupByName, { name: 'wire0' }, WAIT), { net });
    const { uuid } = net;
    assert.deepEqual(await connection.call(networkLookupByUuid, { uuid }, WAIT), { net });
    await connection.call(networkSetAutostart, { net, autostart: true }, WAIT);
    const { autostart } = await connection.call(networkGetAutostart, { net }, WAIT);
    assert.deepEqual([autostart, await said('wire0', 'autostart()')], [true, 1]);
    await connection.call(networkCreate, { net }, WAIT);
    const { name } = await connection.call(networkGetBridgeName, { net }, WAIT);
    assert.equal(name, await said('wire0', 'bridgeName()'));
    assert.equal(
      (await connection.call(networkGetXmlDesc, { net }, WAIT)).xml,
      await said('wire0', 'XMLDesc()'),
    );
    const { active } = await connection.call(networkIsActive, { net }, WAIT);
    const { persistent } = await connection.call(networkIsPersistent, { net }, WAIT);
    assert.deepEqual([active, persistent], [true, true]);
    assert.deepEqual(
      [1, 1],
      [await said('wire0', 'isActive()'), await said('wire0', 'isPersistent()')],
    );
    const flags = NetworkListFlag.active;
    const { nets } = await connection.call(connectListAllNetworks, { flags }, WAIT);
    assert.deepEqual(
      nets.map((n) => n.name),
      await python('qemu', '[n.name() for n in c.listAllNetworks(2)]'),
    );
    await connection.call(networkDestroy, { net }, WAIT);
    await connection.call(networkUndefine, { net }, WAIT);
    assert.equal(await virsh('qemu', 'net-list', '--all'), '');
    const { defined, started, stopped, undefined: gone } = NetworkEventType;
    const events = [];
    while (events.at(-1) !== gone) events.push((await feed.take(WAIT)).event);
    assert.deepEqual(events, [defined, started, stopped, gone]);
  });

  test('are transient when made so, and held to the schema when asked', async (t) => {
    const connection = await open(t, 'qemu');
    if (connection.libVersion < 7_008_000) return t.skip('needs: libvirt 7.8');
    const wrong = networkXml('wire1', '<surprise/>');
    const flags = NetworkDefineFlag.validate;
    await assert.rejects(
      connection.call(networkDefineXmlFlags, { xml: wrong, flags }, WAIT),
      refusedWith(ErrorCode.xmlInvalidSchema),
    );
    await assert.rejects(
      connection.call(
        networkCreateXmlFlags,
        { xml: wrong, flags: NetworkCreateFlag.validate },
        WAIT,
      ),
      refusedWith(ErrorCode.xmlInvalidSchema),
    );
    const { net } = await connection.call(networkCreateXml, { xml: networkXml('wire1') }, WAIT);
    assert.equal(await said('wire1', 'isPersistent()'), 0);
    await connection.call(networkDestroy, { net }, WAIT);
    const made = await connection.call(networkCreateXmlFlags, { xml: networkXml('wire2') }, WAIT);
    assert.equal(await said('wire2', 'isActive()'), 1);
    await connection.call(networkDestroy, made, WAIT);
    const defined = await connection.call(
      networkDefineXmlFlags,
      { xml: networkXml('wire3'), flags },
      WAIT,
    );
    assert.equal(await said('wire3', 'isActive()'), 0);
    await connection.call(networkUndefine, defined, WAIT);
  });

  test('give leases, which are told as the binding tells them', async (t) => {
    const connection = await open(t, 'qemu');
    const range = `<dhcp><range start='10.9.0.10' end='10.9.0.20'/></dhcp>`;
    const xml = networkXml('wire4', `<ip address='10.9.0.1' netmask='255.255.255.0'>${range}</ip>`);
    const { net } = await connection.call(networkCreateXml, { xml }, WAIT);
    assert.deepEqual((await connection.call(networkGetDhcpLeases, { net }, WAIT)).leases, []);
    const ends = 'ip link add guest type veth peer name guest-port';
    await inHost(
      'sh',
      '-euc',
      `${ends}; ip link set guest-port master wire4 up; ip link set guest up`,
    );
    // In the host's network only: the files of another release have no busybox.
    const enter = ['nsenter', '--target', `${(await daemon()).pid}`, '--net', '--'] as const;
    const ask = ['-i', 'guest', '-x', 'hostname:tiny', '-n', '-q', '-f', '-s', '/bin/true'];
    await runCommand([...enter, 'busybox', 'udhcpc', ...ask], { deadlineMs: 30_000 });
    // dnsmasq tells libvirt of a lease after it told the guest.
    const isTold = async () => String(await said('wire4', 'DHCPLeases()')) !== '';
    await until('the lease', WAIT.deadlineMs, isTold);
    const { leases, ret } = await connection.call(networkGetDhcpLeases, { net }, WAIT);
    const theirs = (await said('wire4', 'DHCPLeases()')) as readonly object[];
    const ours = leases.map((lease) => ({ ...lease, expirytime: Number(lease.expirytime) }));
    assert.deepEqual([ret, ours.length], [1, 1]);
    assert.deepEqual(
      ours.map(({ iface, expirytime, type, mac, ipaddr, prefix, hostname, clientid, iaid }) => ({
        iface,
        expirytime,
        type,
        mac,
        ipaddr,
        prefix,
        hostname: hostname ?? null,
        clientid: clientid ?? null,
        iaid: iaid ?? null,
      })),
      theirs,
    );
    assert.equal(ours[0]?.hostname, 'tiny');
    const other = await connection.call(
      networkGetDhcpLeases,
      { net, mac: '02:00:00:00:00:01' },
      WAIT,
    );
    assert.equal(other.ret, 0);
    await connection.call(networkDestroy, { net }, WAIT);
  });

  test('change an element at a time, in the order of words that the daemon reads', async (t) => {
    const connection = await open(t, 'qemu');
    const range = `<dhcp><range start='10.9.1.10' end='10.9.1.20'/></dhcp>`;
    const xml = networkXml('wire5', `<ip address='10.9.1.1' netmask='255.255.255.0'>${range}</ip>`);
    const { net } = await connection.call(networkCreateXml, { xml }, WAIT);
    const host = `<host mac='52:54:00:00:00:01' name='one' ip='10.9.1.11'/>`;
    const section = NetworkSection.ipDhcpHost;
    const change = {
      net,
      section,
      parentIndex: -1,
      xml: host,
      flags: NetworkUpdateFlag.affectLive,
    };
    const { addLast, delete: remove } = NetworkUpdateCommand;
    await networkUpdate(connection, { ...change, command: addLast }, WAIT);
    assert.ok(String(await said('wire5', 'XMLDesc()')).includes(host));
    await networkUpdate(connection, { ...change, command: remove }, WAIT);
    assert.ok(!String(await said('wire5', 'XMLDesc()')).includes(host));
    const { networkUpdateOrder } = ConnectFeature;
    const has = () => !connection.has(networkUpdateOrder); // so the words go in the wrong order
    const wrong = { call: connection.call.bind(connection), has };
    await assert.rejects(
      networkUpdate(wrong, { ...change, command: NetworkUpdateCommand.modify }, WAIT),
      refusedWith(ErrorCode.operationUnsupported),
    );
    await connection.call(networkDestroy, { net }, WAIT);
  });
});

describe('ports of networks, through a real libvirtd', { skip, concurrency: false }, () => {
  test('are made, found, limited and deleted', async (t) => {
    const connection = await open(t, 'qemu');
    const { net } = await connection.call(networkCreateXml, { xml: networkXml('wire6') }, WAIT);
    const owner = `<owner><name>tiny</name><uuid>${randomUUID()}</uuid></owner>`;
    const uuid = randomUUID();
    const xml = `<networkport><uuid>${uuid}</uuid>${owner}<mac address='52:54:00:00:00:06'/></networkport>`;
    const { port } = await connection.call(networkPortCreateXml, { network: net, xml }, WAIT);
    assert.equal(port.uuid, uuid);
    assert.equal(uuid, await said('wire6', 'listAllPorts()[0].UUIDString()'));
    const { ports, ret } = await connection.call(networkListAllPorts, { network: net }, WAIT);
    assert.deepEqual([ret, ports], [1, [port]]);
    const found = await connection.call(networkPortLookupByUuid, { network: net, uuid }, WAIT);
    assert.deepEqual(found, { port });
    const described = await connection.call(networkPortGetXmlDesc, { port }, WAIT);
    assert.equal(described.xml, await said('wire6', 'listAllPorts()[0].XMLDesc()'));
    const params: readonly TypedParam[] = [
      { field: 'inbound.average', type: 'uint', value: 128 },
      { field: 'outbound.average', type: 'uint', value: 32 },
    ];
    await connection.call(networkPortSetParameters, { port, params }, WAIT);
    const limits = paramRecord(
      (await callCounted(connection, networkPortGetParameters, { port }, WAIT)).params,
    );
    assert.deepEqual({ ...limits }, await said('wire6', 'listAllPorts()[0].parameters()'));
    assert.equal(limits['outbound.average'], 32);
    await connection.call(networkPortDelete, { port }, WAIT);
    assert.deepEqual(await said('wire6', 'listAllPorts()'), []);
    await assert.rejects(
      connection.call(networkPortLookupByUuid, { network: net, uuid }, WAIT),
      refusedWith(ErrorCode.noNetworkPort),
    );
    await connection.call(networkDestroy, { net }, WAIT);
  });
});

describe('network filters, through a real libvirtd', { skip, concurrency: false }, () => {
  test('are defined, found, held to the schema, and removed', async (t) => {
    const connection = await open(t, 'qemu');
    if (connection.libVersion < 7_007_000) return t.skip('needs: libvirt 7.7');
    const rule = `<rule action='drop' direction='out'><mac match='no' srcmacaddr='$MAC'/></rule>`;
    const xml = `<filter name='own-mac' chain='root'>${rule}</filter>`;
    const { nwfilter } = await connection.call(nwfilterDefineXml, { xml }, WAIT);
    const { name, uuid } = nwfilter;
    assert.equal(uuid, await python('qemu', `c.nwfilterLookupByName('own-mac').UUIDString()`));
    assert.deepEqual(await connection.call(nwfilterLookupByName, { name }, WAIT), { nwfilter });
    assert.deepEqual(await connection.call(nwfilterLookupByUuid, { uuid }, WAIT), { nwfilter });
    const described = await connection.call(nwfilterGetXmlDesc, { nwfilter }, WAIT);
    assert.equal(
      described.xml,
      await python('qemu', `c.nwfilterLookupByName('own-mac').XMLDesc()`),
    );
    const { filters } = await connection.call(connectListAllNwfilters, {}, WAIT);
    assert.deepEqual(filters, [nwfilter]);
    const flags = NwfilterDefineFlag.validate;
    const wrong = xml.replace('<rule', '<surprise/><rule');
    await assert.rejects(
      connection.call(nwfilterDefineXmlFlags, { xml: wrong, flags }, WAIT),
      refusedWith(ErrorCode.xmlInvalidSchema),
    );
    const again = described.xml.replace('drop', 'reject');
    await connection.call(nwfilterDefineXmlFlags, { xml: again, flags }, WAIT);
    assert.match(
      String(await python('qemu', `c.nwfilterLookupByName('own-mac').XMLDesc()`)),
      /reject/,
    );
    await connection.call(nwfilterUndefine, { nwfilter }, WAIT);
    assert.equal(await virsh('qemu', 'nwfilter-list'), '');
  });

  test('guard a device of the host as long as they are bound to it', async (t) => {
    const connection = await open(t, 'qemu');
    const rule = `<rule action='drop' direction='out'><mac match='no' srcmacaddr='$MAC'/></rule>`;
    const filter = `<filter name='guard' chain='root'>${rule}</filter>`;
    const { nwfilter } = await connection.call(nwfilterDefineXml, { xml: filter }, WAIT);
    await inHost('sh', '-euc', 'ip link add tap0 type veth peer name tap1; ip link set tap0 up');
    const owner = `<owner><name>tiny</name><uuid>${randomUUID()}</uuid></owner>`;
    const device = `<portdev name='tap0'/><mac address='52:54:00:00:00:09'/>`;
    const xml = `<filterbinding>${owner}${device}<filterref filter='guard'/></filterbinding>`;
    const made = await connection.call(nwfilterBindingCreateXml, { xml }, WAIT);
    const binding = made.nwfilter;
    assert.deepEqual(binding, { portdev: 'tap0', filtername: 'guard' });
    assert.match(await inHost('ebtables', '-t', 'nat', '-L'), /52:54:0+:0+:0+:0?9/i);
    const { bindings, ret } = await connection.call(connectListAllNwfilterBindings, {}, WAIT);
    assert.deepEqual([ret, bindings], [1, [binding]]);
    const found = await connection.call(nwfilterBindingLookupByPortDev, { name: 'tap0' }, WAIT);
    assert.deepEqual(found.nwfilter, binding);
    const described = await connection.call(nwfilterBindingGetXmlDesc, { nwfilter: binding }, WAIT);
    assert.equal(
      described.xml,
      await python('qemu', `c.nwfilterBindingLookupByPortDev('tap0').XMLDesc()`),
    );
    await assert.rejects(
      connection.call(nwfilterUndefine, { nwfilter }, WAIT),
      refusedWith(ErrorCode.operationInvalid),
    );
    await connection.call(nwfilterBindingDelete, { nwfilter: binding }, WAIT);
    assert.equal(await virsh('qemu', 'nwfilter-binding-list'), '');
    await assert.rejects(
      connection.call(nwfilterBindingLookupByPortDev, { name: 'tap0' }, WAIT),
      refusedWith(ErrorCode.noNwfilterBinding),
    );
    await connection.call(nwfilterUndefine, { nwfilter }, WAIT);
  });
});
