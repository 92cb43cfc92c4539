import type { XmlElement } from './element.ts';
import { flagAttribute, integerAttribute, textOf } from './value.ts';

/** `<ip>` of a network: an address of its bridge, and what guests are given around it. */
export interface AddressBlock {
  /** ipv4 or ipv6. */
  readonly family: string;
  readonly address: string | undefined;
  readonly prefix: number | undefined;
  readonly netmask: string | undefined;
  /** The folder that guests boot from over TFTP. */
  readonly tftpRoot: string | undefined;
  /** Undefined where no addresses are given out. */
  readonly dhcp: NetworkDhcp | undefined;
}

/** `<dhcp>`: which addresses are lent to guests, and what to boot by network. */
export interface NetworkDhcp {
  readonly ranges: readonly DhcpRange[];
  readonly hosts: readonly DhcpHost[];
  readonly bootFile: string | undefined;
  readonly bootServer: string | undefined;
}

/** Addresses that are lent, both ends among them. */
export interface DhcpRange {
  readonly start: string;
  readonly end: string;
  readonly lease: DhcpLease | undefined;
}

/** A guest that always gets the same address. */
export interface DhcpHost {
  readonly mac: string | undefined;
  /** The DUID, of IPv6. */
  readonly id: string | undefined;
  readonly name: string | undefined;
  readonly ip: string | undefined;
  readonly lease: DhcpLease | undefined;
}

/** How long an address is lent. */
export interface DhcpLease {
  /** Seconds; 0 for ever. */
  readonly expiryS: number | undefined;
}

/** `<dns>`: what the network's resolver answers. */
export interface NetworkDns {
  readonly enabled: boolean;
  readonly forwardPlainNames: boolean | undefined;
  /** Servers that are asked; with a domain, for names in it alone. */
  readonly forwarders: readonly {
    readonly address: string | undefined;
    readonly domain: string | undefined;
  }[];
  readonly hosts: readonly { readonly ip: string; readonly names: readonly string[] }[];
  readonly texts: readonly { readonly name: string; readonly value: string }[];
  readonly services: readonly DnsService[];
}

/** An SRV record. */
export interface DnsService {
  readonly service: string;
  readonly protocol: string;
  readonly domain: string | undefined;
  readonly target: string | undefined;
  readonly port: number | undefined;
  readonly priority: number | undefined;
  readonly weight: number | undefined;
}

/**
 * Reads an `<ip>` of a network.
 * @throws BERTH_SPEC_INVALID with line and column for a number that is none.
 */
export function readAddressBlock(ip: XmlElement): AddressBlock {
  const dhcp = ip.child('dhcp');
  return {
    family: ip.attribute('family') ?? 'ipv4',
    address: ip.attribute('address'),
    prefix: integerAttribute(ip, 'prefix'),
    netmask: ip.attribute('netmask'),
    tftpRoot: ip.child('tftp')?.attribute('root'),
    dhcp: dhcp === undefined ? undefined : readDhcp(dhcp),
  };
}

/**
 * Reads the `<dns>` of a network.
 * @throws BERTH_SPEC_INVALID with line and column for a number that is none.
 */
export function readDns(dns: XmlElement | undefined): NetworkDns | undefined {
  if (dns === undefined) return undefined;
  return {
    enabled: flagAttribute(dns, 'enable') ?? true,
    forwardPlainNames: flagAttribute(dns, 'forwardPlainNames'),
    forwarders: dns.childrenNamed('forwarder').map((forwarder) => ({
      address: forwarder.attribute('addr'),
      domain: forwarder.attribute('domain'),
    })),
    hosts: dns.childrenNamed('host').map((host) => ({
      ip: host.attribute('ip') ?? '',
      names: host.childrenNamed('hostname').flatMap((name) => textOf(name) ?? []),
    })),
    texts: dns.childrenNamed('txt').map((txt) => ({
      name: txt.attribute('name') ?? '',
      value: txt.attribute('value') ?? '',
    })),
    services: dns.childrenNamed('srv').map(readService),
  };
}

function readDhcp(dhcp: XmlElement): NetworkDhcp {
  const bootp = dhcp.child('bootp');
  return {
    ranges: dhcp.childrenNamed('range').map((range) => ({
      start: range.attribute('start') ?? '',
      end: range.attribute('end') ?? '',
      lease: readLease(range),
    })),
    hosts: dhcp.childrenNamed('host').map((host) => ({
      mac: host.attribute('mac')?.toLowerCase(),
      id: host.attribute('id'),
      name: host.attribute('name'),
      ip: host.attribute('ip'),
      lease: readLease(host),
    })),
    bootFile: bootp?.attribute('file'),
    bootServer: bootp?.attribute('server'),
  };
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { seconds: 1, minutes: 60, hours: 3600 };

/** libvirt counts in minutes where no unit is told. */
function readLease(owner: XmlElement): DhcpLease | undefined {
  const lease = owner.child('lease');
  if (lease === undefined) return undefined;
  const expiry = integerAttribute(lease, 'expiry');
  const unit = UNIT_SECONDS[lease.attribute('unit') ?? 'minutes'];
  const isKnown = expiry !== undefined && unit !== undefined;
  return { expiryS: isKnown ? expiry * unit : undefined };
}

function readService(srv: XmlElement): DnsService {
  return {
    service: srv.attribute('service') ?? '',
    protocol: srv.attribute('protocol') ?? '',
    domain: srv.attribute('domain'),
    target: srv.attribute('target'),
    port: integerAttribute(srv, 'port'),
    priority: integerAttribute(srv, 'priority'),
    weight: integerAttribute(srv, 'weight'),
  };
}
