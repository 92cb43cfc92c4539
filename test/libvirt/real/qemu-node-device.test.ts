import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  connectListAllInterfaces,
  connectListAllNodeDevices,
  ErrorCode,
  interfaceGetXmlDesc,
  interfaceIsActive,
  interfaceLookupByName,
  isLibvirtError,
  isUnknownProcedure,
  nodeDeviceCreate,
  nodeDeviceCreateXml,
  nodeDeviceDefineXml,
  nodeDeviceDestroy,
  nodeDeviceDetachFlags,
  nodeDeviceGetAutostart,
  nodeDeviceGetParent,
  nodeDeviceGetXmlDesc,
  nodeDeviceIsActive,
  nodeDeviceIsPersistent,
  nodeDeviceListCaps,
  NodeDeviceListFlag,
  nodeDeviceLookupByName,
  nodeDeviceLookupScsiHostByWwn,
  nodeDeviceNumOfCaps,
  nodeDeviceReAttach,
  nodeDeviceReset,
  nodeDeviceSetAutostart,
  nodeDeviceUndefine,
  nodeDeviceUpdate,
  type CallProcedure,
} from '../../../src/libvirt/index.ts';
import { refusedWith } from '../../refusal.ts';
import { open, python, skip, virsh, WAIT } from '../daemon.ts';

/** A device that every host has and that nobody can hurt. */
const LOOP = 'net_lo_00_00_00_00_00_00';

/** What the binding says to a method of a device. */
async function said(name: string, method: string): Promise<unknown> {
  return python('qemu', `c.nodeDeviceLookupByName('${name}').${method}`);
}

describe('devices of a host, through a real libvirtd', { skip, concurrency: false }, () => {
  test('are listed by kind as virsh lists them', async (t) => {
    const connection = await open(t, 'qemu');
    const { devices, ret } = await connection.call(connectListAllNodeDevices, {}, WAIT);
    assert.equal(ret, devices.length);
    const names = devices.map((device) => device.name).toSorted();
    const theirs = '[d.name() for d in c.listAllDevices()]';
    assert.deepEqual(names, ((await python('qemu', theirs)) as readonly string[]).toSorted());
    const flags = NodeDeviceListFlag.net;
    const nics = await connection.call(connectListAllNodeDevices, { flags }, WAIT);
    assert.deepEqual(
      nics.devices.map((device) => device.name).toSorted(),
      await python('qemu', `sorted(d.name() for d in c.listAllDevices(${flags}))`),
    );
  });

  test('are found and described as the binding does', async (t) => {
    const connection = await open(t, 'qemu');
    const name = LOOP;
    const { dev } = await connection.call(nodeDeviceLookupByName, { name }, WAIT);
    assert.deepEqual(dev, { name });
    const { xml } = await connection.call(nodeDeviceGetXmlDesc, { name }, WAIT);
    assert.equal(xml, await said(name, 'XMLDesc()'));
    const { parentName } = await connection.call(nodeDeviceGetParent, { name }, WAIT);
    assert.equal(parentName, await said(name, 'parent()'));
    const top = await connection.call(nodeDeviceGetParent, { name: 'computer' }, WAIT);
    assert.deepEqual([top.parentName, await said('computer', 'parent()')], [undefined, null]);
    const { num } = await connection.call(nodeDeviceNumOfCaps, { name }, WAIT);
    assert.equal(num, await said(name, 'numOfCaps()'));
    const caps = await connection.call(nodeDeviceListCaps, { name, maxnames: num }, WAIT);
    assert.deepEqual(caps.names, await said(name, 'listCaps()'));
    await assert.rejects(
      connection.call(nodeDeviceLookupByName, { name: 'none' }, WAIT),
      refusedWith(ErrorCode.noNodeDevice),
    );
  });

  test('are there for good, as the binding says', async (t) => {
    const connection = await open(t, 'qemu');
    if (connection.libVersion < 7_008_000) return t.skip('needs: libvirt 7.8');
    const name = LOOP;
    const { active } = await connection.call(nodeDeviceIsActive, { name }, WAIT);
    const { persistent } = await connection.call(nodeDeviceIsPersistent, { name }, WAIT);
    const { autostart } = await connection.call(nodeDeviceGetAutostart, { name }, WAIT);
    assert.deepEqual([active, persistent, autostart].map(Number), [
      await said(name, 'isActive()'),
      await said(name, 'isPersistent()'),
      await said(name, 'autostart()'),
    ]);
  });

  test('refuse what only some kinds of device can do, as they refuse it to the binding', async (t) => {
    const connection = await open(t, 'qemu');
    const name = LOOP;
    const xmlDesc = (await connection.call(nodeDeviceGetXmlDesc, { name }, WAIT)).xml;
    const xml = JSON.stringify(xmlDesc);
    const [wwnn, wwpn] = ['2001001b32a9da4e', '2101001b32a9da4e'];
    const loop = `c.nodeDeviceLookupByName('${name}')`;
    const pairs = [
      [ask(nodeDeviceDetachFlags, { name, driverName: 'vfio' }), `${loop}.detachFlags('vfio')`],
      [ask(nodeDeviceReset, { name }), `${loop}.reset()`],
      [ask(nodeDeviceReAttach, { name }), `${loop}.reAttach()`],
      [ask(nodeDeviceSetAutostart, { name, autostart: true }), `${loop}.setAutostart(1)`],
      [ask(nodeDeviceDestroy, { name }), `${loop}.destroy()`],
      [ask(nodeDeviceCreateXml, { xmlDesc }), `c.nodeDeviceCreateXML(${xml})`],
      [ask(nodeDeviceDefineXml, { xmlDesc }), `c.nodeDeviceDefineXML(${xml})`],
      [ask(nodeDeviceCreate, { name }), `${loop}.create()`],
      [ask(nodeDeviceUndefine, { name }), `${loop}.undefine()`],
      [
        ask(nodeDeviceLookupScsiHostByWwn, { wwnn, wwpn }),
        `c.nodeDeviceLookupSCSIHostByWWN('${wwnn}', '${wwpn}')`,
      ],
    ] as const;
    for (const [refusal, theirs] of pairs) {
      const said = await python('qemu', theirs).catch(String);
      assert.ok(String(said).includes(await refusal), `${await refusal} and ${String(said)}`);
    }

    async function ask<A, R>(procedure: CallProcedure<A, R>, args: A): Promise<string> {
      const error: unknown = await connection.call(procedure, args, WAIT).catch((e: unknown) => e);
      assert.ok(isLibvirtError(error), `${procedure.name} is not refused`);
      return error.message;
    }
  });

  test('are not changed by a daemon that does not know how', async (t) => {
    const connection = await open(t, 'qemu');
    const update = { name: LOOP, xmlDesc: '<device/>' };
    const error: unknown = await connection
      .call(nodeDeviceUpdate, update, WAIT)
      .catch((e: unknown) => e);
    assert.ok(
      connection.libVersion < 10_001_000 ? isUnknownProcedure(error) : isLibvirtError(error),
    );
  });
});

describe('interfaces of a host, through a real libvirtd', { skip, concurrency: false }, () => {
  test('are listed, found and described as virsh does', async (t) => {
    const connection = await open(t, 'qemu');
    if (connection.libVersion < 9_000_000) return t.skip('needs: an interface that udev knows');
    const { ifaces } = await connection.call(connectListAllInterfaces, {}, WAIT);
    const theirs = await python('qemu', '[i.name() for i in c.listAllInterfaces()]');
    assert.deepEqual(
      ifaces.map((iface) => iface.name),
      theirs,
    );
    const { iface } = await connection.call(interfaceLookupByName, { name: 'lo' }, WAIT);
    const { xml } = await connection.call(interfaceGetXmlDesc, { iface }, WAIT);
    assert.equal(xml.trim(), await virsh('qemu', 'iface-dumpxml', 'lo'));
    const { active } = await connection.call(interfaceIsActive, { iface }, WAIT);
    assert.equal(Number(active), await python('qemu', `c.interfaceLookupByName('lo').isActive()`));
  });
});
