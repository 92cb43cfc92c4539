import { readBandwidth, type Bandwidth } from './bandwidth.ts';
import { readBasics, type DeviceBasics } from './device-address.ts';
import type { XmlElement } from './element.ts';
import { pciAddressOf } from './pci-address.ts';
import {
  readFilterReference,
  readVirtualPort,
  readVlan,
  type FilterReference,
  type VirtualPort,
  type Vlan,
} from './switch-port.ts';
import { integerAttribute } from './value.ts';

/** An `<interface>`. */
export interface DomainInterface extends DeviceBasics {
  /** network, bridge, direct, user, ethernet, hostdev, vhostuser ... */
  readonly type: string;
  /** The network, bridge or device it hangs on. */
  readonly source: string | undefined;
  readonly sourceMode: string | undefined;
  readonly portgroup: string | undefined;
  /** The PCI function it is, for type hostdev: `0000:3b:02.0`. */
  readonly pci: string | undefined;
  readonly mac: string | undefined;
  readonly model: string | undefined;
  readonly targetDev: string | undefined;
  readonly driver: string | undefined;
  readonly queues: number | undefined;
  readonly rxQueueSize: number | undefined;
  readonly txQueueSize: number | undefined;
  readonly vlans: readonly number[];
  readonly vlan: Vlan | undefined;
  readonly virtualPort: VirtualPort | undefined;
  readonly bandwidth: Bandwidth | undefined;
  /** The anti-spoofing filter. */
  readonly filter: FilterReference | undefined;
  readonly mtu: number | undefined;
  /** up or down: whether its cable is plugged in. */
  readonly link: string | undefined;
  readonly bootOrder: number | undefined;
}

/**
 * Reads an `<interface>`.
 * @throws BERTH_SPEC_INVALID with line and column for a number that is none.
 */
export function readInterface(nic: XmlElement): DomainInterface {
  const source = nic.child('source');
  const driver = nic.child('driver');
  const filter = nic.child('filterref');
  const vlan = readVlan(nic);
  return {
    type: nic.attribute('type') ?? 'ethernet',
    source: SOURCE_NAMES.map((name) => source?.attribute(name)).find(Boolean),
    sourceMode: source?.attribute('mode'),
    portgroup: source?.attribute('portgroup'),
    pci: pciAddressOf(source?.child('address')),
    mac: nic.child('mac')?.attribute('address')?.toLowerCase(),
    model: nic.child('model')?.attribute('type'),
    targetDev: nic.child('target')?.attribute('dev'),
    driver: driver?.attribute('name'),
    queues: integerAttribute(driver, 'queues'),
    rxQueueSize: integerAttribute(driver, 'rx_queue_size'),
    txQueueSize: integerAttribute(driver, 'tx_queue_size'),
    vlans: vlan?.tags.map(({ id }) => id) ?? [],
    vlan,
    virtualPort: readVirtualPort(nic),
    bandwidth: readBandwidth(nic),
    filter: filter === undefined ? undefined : readFilterReference(filter),
    mtu: integerAttribute(nic.child('mtu'), 'size'),
    link: nic.child('link')?.attribute('state'),
    bootOrder: integerAttribute(nic.child('boot'), 'order'),
    ...readBasics(nic),
  };
}

const SOURCE_NAMES = ['network', 'bridge', 'dev', 'path'];
