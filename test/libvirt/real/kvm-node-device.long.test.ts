import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  connect,
  type Connection,
  type EventFeed,
  connectListAllNodeDevices,
  nodeDeviceDetachFlags,
  NodeDeviceEvent,
  NodeDeviceEventType,
  nodeDeviceGetXmlDesc,
  NodeDeviceListFlag,
  nodeDeviceReAttach,
  nodeDeviceReset,
} from '../../../src/libvirt/index.ts';
import type { KvmHost } from '../../../src/lab/kvm-host/kvm-host.ts';
import {
  dropHost,
  hostFolder,
  kvmHostSkip,
  onHost,
  SLOW,
  startTestHost,
  virshOn,
} from '../../lab/kvm-host/kvm-test-host.ts';

/** The spare NIC of cell 1, which nothing of the machine needs. */
const SPARE_NIC = '0000:22:00.0';
const NAME = 'pci_0000_22_00_0';

describe(
  'devices of a machine of its own, with udev and an IOMMU',
  { skip: await kvmHostSkip() },
  () => {
    let dir = '';
    let host: KvmHost;
    let connection: Connection;

    before(async () => {
      dir = await hostFolder();
      host = await startTestHost({ dir, release: 'bookworm' });
      connection = await connect(host.uri, { environment: { uid: 0 } }, SLOW);
    });

    after(async () => {
      await connection.close(SLOW);
      await dropHost(dir);
    });

    test('are listed and described as virsh does', async () => {
      const flags = NodeDeviceListFlag.pciDev;
      const { devices } = await connection.call(connectListAllNodeDevices, { flags }, SLOW);
      const names = devices.map((device) => device.name).toSorted();
      assert.equal(names.join('\n'), await virshOn(host, 'nodedev-list', '--cap', 'pci'));
      const { xml } = await connection.call(nodeDeviceGetXmlDesc, { name: NAME }, SLOW);
      assert.equal(xml.trim(), await virshOn(host, 'nodedev-dumpxml', NAME));
      assert.match(xml, /<numa node='1'\/>/);
    });

    test('are taken from the host, reset, and given back', async () => {
      const driver = `basename $(readlink /sys/bus/pci/devices/${SPARE_NIC}/driver)`;
      assert.equal(await onHost(host, driver), 'e1000e');
      await connection.call(nodeDeviceDetachFlags, { name: NAME, driverName: 'vfio' }, SLOW);
      assert.equal(await onHost(host, driver), 'vfio-pci');
      await connection.call(nodeDeviceReset, { name: NAME }, SLOW);
      await connection.call(nodeDeviceReAttach, { name: NAME }, SLOW);
      assert.equal(await onHost(host, driver), 'e1000e');
    });

    test('are told about when they come, change and go', async () => {
      const life = await connection.subscribe(NodeDeviceEvent.lifecycle, {}, SLOW);
      const updates = await connection.subscribe(NodeDeviceEvent.update, {}, SLOW);
      await onHost(
        host,
        'modprobe dummy numdummies=0; ip link add told type dummy; ip link set told address 02:00:00:00:00:07',
      );
      const name = 'net_told_02_00_00_00_00_07';
      const { created, deleted } = NodeDeviceEventType;
      await heard(life, (e) => e.dev.name === name && e.event === created);
      await onHost(host, 'udevadm trigger --action=change /sys/class/net/told');
      await heard(updates, (e) => e.dev.name === name);
      await onHost(host, 'ip link del told');
      await heard(life, (e) => e.dev.name === name && e.event === deleted);
    });
  },
);

/** Takes events until one fits; the machine may have others to tell of. */
async function heard<E>(feed: EventFeed<E>, fits: (event: E) => boolean): Promise<void> {
  const others: E[] = [];
  for (;;) {
    const event = await feed.take({ deadlineMs: 40_000 }).catch((error: unknown) => {
      throw new Error(`only ${JSON.stringify(others)}`, { cause: error });
    });
    if (fits(event)) return;
    others.push(event);
  }
}
