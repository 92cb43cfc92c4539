import { readBandwidth, type Bandwidth } from './bandwidth.ts';
import type { XmlElement } from './element.ts';
import {
  readAddressBlock,
  readDns,
  type AddressBlock,
  type NetworkDns,
} from './network-address.ts';
import { pciAddressOf } from './pci-address.ts';
import { readVirtualPort, readVlan, type VirtualPort, type Vlan } from './switch-port.ts';
import { flagAttribute, frozen, integerAttribute, refuseValue, textOf } from './value.ts';

/** What Berth reads of a `<network>`. What is absent is undefined; unknown words are kept. */
export interface NetworkXml {
  readonly name: string | undefined;
  readonly uuid: string | undefined;
  /** From libvirt 9.7 on, as the description. */
  readonly title: string | undefined;
  readonly description: string | undefined;
  /** How many interfaces of running guests use it; told by libvirt. */
  readonly connections: number | undefined;
  /** nat, route, open, bridge, hostdev ...; undefined for an isolated network. */
  readonly forwardMode: string | undefined;
  readonly forward: NetworkForward | undefined;
  /** The bridge of the host. */
  readonly bridge: string | undefined;
  readonly bridgeOptions: BridgeOptions | undefined;
  readonly mtu: number | undefined;
  readonly mac: string | undefined;
  readonly domain: NetworkDomain | undefined;
  readonly dns: NetworkDns | undefined;
  /** One for each address that the bridge has. */
  readonly addresses: readonly AddressBlock[];
  readonly routes: readonly NetworkRoute[];
  readonly vlan: Vlan | undefined;
  readonly virtualPort: VirtualPort | undefined;
  readonly bandwidth: Bandwidth | undefined;
  /** True keeps its guests from reaching each other. */
  readonly portIsolated: boolean | undefined;
  readonly portgroups: readonly PortGroup[];
}

/** `<forward>`: how guests reach what is outside. */
export interface NetworkForward {
  readonly mode: string;
  /** The one interface of the host that traffic may leave by. */
  readonly dev: string | undefined;
  /** True when libvirt detaches the PCI functions from their host driver by itself. */
  readonly managed: boolean | undefined;
  /** vfio, or a later word; of mode hostdev. */
  readonly driver: string | undefined;
  /** The interfaces of the host that guests take one of, for modes such as passthrough. */
  readonly interfaces: readonly string[];
  /** The physical functions whose virtual functions are taken. */
  readonly physicalFunctions: readonly string[];
  /** Virtual functions by address, `0000:3b:02.0`. */
  readonly pciFunctions: readonly string[];
  readonly nat: NetworkNat | undefined;
}

/** What the addresses and ports of guests become. */
export interface NetworkNat {
  readonly addressStart: string | undefined;
  readonly addressEnd: string | undefined;
  readonly portStart: number | undefined;
  readonly portEnd: number | undefined;
  readonly ipv6: boolean | undefined;
}

/** How the bridge of a network behaves. */
export interface BridgeOptions {
  readonly stp: boolean | undefined;
  /** Seconds before a new port passes frames. */
  readonly delayS: number | undefined;
  /** The zone of firewalld. */
  readonly zone: string | undefined;
  /** kernel or libvirt: who keeps the forwarding table. */
  readonly macTableManager: string | undefined;
}

/** `<domain>` of a network: the DNS domain of its guests. */
export interface NetworkDomain {
  readonly name: string | undefined;
  /** True when names in it are asked of nobody else. */
  readonly localOnly: boolean | undefined;
  readonly register: boolean | undefined;
}

/** A `<route>` of the host, by way of a guest of the network. */
export interface NetworkRoute {
  readonly family: string | undefined;
  readonly address: string | undefined;
  readonly prefix: number | undefined;
  readonly netmask: string | undefined;
  readonly gateway: string | undefined;
  readonly metric: number | undefined;
}

/** A kind of port that interfaces name by `portgroup`. */
export interface PortGroup {
  readonly name: string | undefined;
  /** True for the one that interfaces get which name none. */
  readonly isDefault: boolean;
  readonly vlan: Vlan | undefined;
  readonly virtualPort: VirtualPort | undefined;
  readonly bandwidth: Bandwidth | undefined;
}

/**
 * Reads a network. `<forward/>` without a mode means nat, as in libvirt.
 * @throws BERTH_SPEC_INVALID with line and column for another root, or a number that is none.
 */
export function readNetwork(root: XmlElement): NetworkXml {
  if (root.name !== 'network') refuseValue(root, `the root is <${root.name}>`, 'a <network>');
  const forward = root.child('forward');
  const bridge = root.child('bridge');
  const domain = root.child('domain');
  return frozen({
    name: textOf(root.child('name')),
    uuid: textOf(root.child('uuid')),
    title: textOf(root.child('title')),
    description: textOf(root.child('description')),
    connections: integerAttribute(root, 'connections'),
    forwardMode: forward === undefined ? undefined : modeOf(forward),
    forward: forward === undefined ? undefined : readForward(forward),
    bridge: bridge?.attribute('name'),
    bridgeOptions: bridge === undefined ? undefined : readBridgeOptions(bridge),
    mtu: integerAttribute(root.child('mtu'), 'size'),
    mac: root.child('mac')?.attribute('address')?.toLowerCase(),
    domain:
      domain === undefined
        ? undefined
        : {
            name: domain.attribute('name'),
            localOnly: flagAttribute(domain, 'localOnly'),
            register: flagAttribute(domain, 'register'),
          },
    dns: readDns(root.child('dns')),
    addresses: root.childrenNamed('ip').map(readAddressBlock),
    routes: root.childrenNamed('route').map(readRoute),
    portIsolated: flagAttribute(root.child('port'), 'isolated'),
    portgroups: root.childrenNamed('portgroup').map(readPortGroup),
    ...readPort(root),
  });
}

function modeOf(forward: XmlElement): string {
  return forward.attribute('mode') ?? 'nat';
}

function readForward(forward: XmlElement): NetworkForward {
  const names = (kind: string): readonly string[] =>
    forward.childrenNamed(kind).flatMap((one) => one.attribute('dev') ?? []);
  return {
    mode: modeOf(forward),
    dev: forward.attribute('dev'),
    managed: flagAttribute(forward, 'managed'),
    driver: forward.child('driver')?.attribute('name'),
    interfaces: names('interface'),
    physicalFunctions: names('pf'),
    pciFunctions: forward.childrenNamed('address').flatMap((at) => pciAddressOf(at) ?? []),
    nat: readNat(forward.child('nat')),
  };
}

function readNat(nat: XmlElement | undefined): NetworkNat | undefined {
  if (nat === undefined) return undefined;
  const address = nat.child('address');
  const port = nat.child('port');
  return {
    addressStart: address?.attribute('start'),
    addressEnd: address?.attribute('end'),
    portStart: integerAttribute(port, 'start'),
    portEnd: integerAttribute(port, 'end'),
    ipv6: flagAttribute(nat, 'ipv6'),
  };
}

function readBridgeOptions(bridge: XmlElement): BridgeOptions {
  return {
    stp: flagAttribute(bridge, 'stp'),
    delayS: integerAttribute(bridge, 'delay'),
    zone: bridge.attribute('zone'),
    macTableManager: bridge.attribute('macTableManager'),
  };
}

function readRoute(route: XmlElement): NetworkRoute {
  return {
    family: route.attribute('family'),
    address: route.attribute('address'),
    prefix: integerAttribute(route, 'prefix'),
    netmask: route.attribute('netmask'),
    gateway: route.attribute('gateway'),
    metric: integerAttribute(route, 'metric'),
  };
}

function readPortGroup(group: XmlElement): PortGroup {
  return {
    name: group.attribute('name'),
    isDefault: flagAttribute(group, 'default') ?? false,
    ...readPort(group),
  };
}

function readPort(owner: XmlElement): Pick<PortGroup, 'vlan' | 'virtualPort' | 'bandwidth'> {
  return {
    vlan: readVlan(owner),
    virtualPort: readVirtualPort(owner),
    bandwidth: readBandwidth(owner),
  };
}
