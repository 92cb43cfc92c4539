import type { XmlElement } from './element.ts';
import {
  bytesAttribute,
  bytesOf,
  flagAttribute,
  frozen,
  integerAttribute,
  integerOf,
  intSetAttribute,
  refuseValue,
  textOf,
} from './value.ts';

/** What Berth reads of `<capabilities>` (virConnectGetCapabilities). */
export interface CapabilitiesXml {
  readonly hostUuid: string | undefined;
  /** As libvirt spells it: x86_64, aarch64 ... */
  readonly arch: string | undefined;
  readonly cpuModel: string | undefined;
  readonly cpuVendor: string | undefined;
  /** The processor in full, as `<cpu>` of the host tells it. */
  readonly cpu: HostCpu | undefined;
  /** Sleep states: suspend_mem, suspend_disk, suspend_hybrid. */
  readonly powerManagement: readonly string[];
  /** How guests can come and go; undefined where live migration is not told. */
  readonly migration: HostMigration | undefined;
  /** What confines guests, such as apparmor and dac. */
  readonly securityModels: readonly string[];
  /** True when an IOMMU is on; undefined before libvirt 4.8, which does not tell. */
  readonly iommu: boolean | undefined;
  readonly cells: readonly CapabilitiesCell[];
  /** Cache banks; empty before libvirt 4.1 and where sysfs tells nothing. */
  readonly caches: readonly CacheBank[];
  /** Memory bandwidth that vCPUs can be given shares of; empty where the host cannot. */
  readonly memoryBandwidth: readonly BandwidthNode[];
  readonly guests: readonly GuestAbility[];
}

/** A NUMA cell of the host. */
export interface CapabilitiesCell {
  readonly id: number;
  readonly memoryBytes: number | undefined;
  /** Pools by page size. How many pages are free is not told here. */
  readonly pages: readonly { readonly sizeBytes: number; readonly total: number }[];
  readonly distances: readonly { readonly cell: number; readonly value: number }[];
  /** Online CPUs alone. */
  readonly cpus: readonly CapabilitiesCpu[];
}

/** An online CPU. libvirt leaves out what the kernel does not tell it. */
export interface CapabilitiesCpu {
  readonly id: number;
  readonly socket: number | undefined;
  /** From libvirt 6.0 on. */
  readonly die: number | undefined;
  /** A group of cores below the die; from libvirt 10.1 on. */
  readonly cluster: number | undefined;
  readonly core: number | undefined;
  /** SMT threads of the core, this CPU included; empty where unknown. */
  readonly siblings: readonly number[];
}

/** A cache that some of the host's CPUs share. */
export interface CacheBank {
  readonly id: number;
  readonly level: number;
  /** data, code or both. */
  readonly type: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly cpus: readonly number[];
  /** Shares of it that vCPUs can be given; empty where the host cannot. */
  readonly controls: readonly CacheControl[];
}

/** How a cache bank can be divided (Intel RDT, AMD QoS). */
export interface CacheControl {
  /** both, code or data. */
  readonly type: string | undefined;
  readonly granularityBytes: number | undefined;
  readonly maxAllocations: number | undefined;
}

/** How the memory bandwidth of some CPUs can be divided. */
export interface BandwidthNode {
  readonly id: number;
  readonly cpus: readonly number[];
  /** Percent, or MB/s on AMD. */
  readonly granularity: number | undefined;
  readonly minimum: number | undefined;
  readonly maxAllocations: number | undefined;
}

/** The host's processor. */
export interface HostCpu {
  readonly microcode: number | undefined;
  readonly topology:
    | {
        readonly sockets: number | undefined;
        readonly dies: number | undefined;
        readonly cores: number | undefined;
        readonly threads: number | undefined;
      }
    | undefined;
  /** What it has beyond its model. */
  readonly features: readonly string[];
  /** Sizes that memory can be paged in. */
  readonly pageSizesBytes: readonly number[];
  readonly physicalAddressBits: number | undefined;
  /** The clock of its time stamp counter, and whether guests can be given another. */
  readonly tscHz: number | undefined;
  readonly tscScaling: boolean | undefined;
}

/** What the host can do of migration. */
export interface HostMigration {
  readonly live: boolean;
  /** tcp, rdma ... */
  readonly transports: readonly string[];
}

/** A kind of guest that the host can run. */
export interface GuestAbility {
  readonly arch: string;
  readonly emulator: string | undefined;
  /** Machine types, aliases included. */
  readonly machines: readonly string[];
  /** qemu for emulation, kvm where it works. */
  readonly domainTypes: readonly string[];
  /** The most vCPUs of each machine type. */
  readonly maxCpus: Readonly<Record<string, number>>;
}

/**
 * Reads `<capabilities>`.
 * @throws BERTH_SPEC_INVALID with line and column for another root or a number that is none.
 */
export function readCapabilities(root: XmlElement): CapabilitiesXml {
  if (root.name !== 'capabilities') {
    refuseValue(root, `the root is <${root.name}>`, 'a <capabilities>');
  }
  const cpu = root.find('host/cpu');
  return frozen({
    hostUuid: textOf(root.find('host/uuid')),
    arch: textOf(cpu?.child('arch')),
    cpuModel: textOf(cpu?.child('model')),
    cpuVendor: textOf(cpu?.child('vendor')),
    cpu: cpu === undefined ? undefined : readHostCpu(cpu),
    powerManagement: root.find('host/power_management')?.elements.map(({ name }) => name) ?? [],
    migration: readMigration(root.find('host/migration_features')),
    securityModels: root
      .findAll('host/secmodel')
      .flatMap((one) => textOf(one.child('model')) ?? []),
    iommu: flagAttribute(root.find('host/iommu'), 'support'),
    cells: root.findAll('host/topology/cells/cell').map(readCell),
    caches: root.findAll('host/cache/bank').map(readBank),
    memoryBandwidth: root.findAll('host/memory_bandwidth/node').map(readBandwidthNode),
    guests: root.childrenNamed('guest').map(readGuest),
  });
}

function readCell(cell: XmlElement): CapabilitiesCell {
  return {
    id: integerAttribute(cell, 'id') ?? refuseValue(cell, 'the cell has no id', 'id="0"'),
    memoryBytes: bytesOf(cell.child('memory')),
    pages: cell.childrenNamed('pages').flatMap((pages) => {
      const sizeBytes = bytesAttribute(pages, 'size');
      return sizeBytes === undefined ? [] : [{ sizeBytes, total: integerOf(pages) ?? 0 }];
    }),
    distances: cell.findAll('distances/sibling').flatMap((sibling) => {
      const id = integerAttribute(sibling, 'id');
      const value = integerAttribute(sibling, 'value');
      return id === undefined || value === undefined ? [] : [{ cell: id, value }];
    }),
    cpus: cell.findAll('cpus/cpu').map(readCpu),
  };
}

function readCpu(cpu: XmlElement): CapabilitiesCpu {
  return {
    id: integerAttribute(cpu, 'id') ?? refuseValue(cpu, 'the CPU has no id', 'id="0"'),
    socket: integerAttribute(cpu, 'socket_id'),
    die: integerAttribute(cpu, 'die_id'),
    cluster: integerAttribute(cpu, 'cluster_id'),
    core: integerAttribute(cpu, 'core_id'),
    siblings: intSetAttribute(cpu, 'siblings') ?? [],
  };
}

function readBank(bank: XmlElement): CacheBank {
  return {
    id: integerAttribute(bank, 'id') ?? 0,
    level: integerAttribute(bank, 'level') ?? 0,
    type: bank.attribute('type'),
    sizeBytes: bytesAttribute(bank, 'size'),
    cpus: intSetAttribute(bank, 'cpus') ?? [],
    controls: bank.childrenNamed('control').map((control) => ({
      type: control.attribute('type'),
      granularityBytes: bytesAttribute(control, 'granularity'),
      maxAllocations: integerAttribute(control, 'maxAllocs'),
    })),
  };
}

function readBandwidthNode(node: XmlElement): BandwidthNode {
  const control = node.child('control');
  return {
    id: integerAttribute(node, 'id') ?? 0,
    cpus: intSetAttribute(node, 'cpus') ?? [],
    granularity: integerAttribute(control, 'granularity'),
    minimum: integerAttribute(control, 'min'),
    maxAllocations: integerAttribute(control, 'maxAllocs'),
  };
}

function readHostCpu(cpu: XmlElement): HostCpu {
  const topology = cpu.child('topology');
  const counters = cpu.childrenNamed('counter');
  const tsc = counters.find((counter) => counter.attribute('name') === 'tsc');
  const part = (name: string): number | undefined => integerAttribute(topology, name);
  return {
    microcode: integerAttribute(cpu.child('microcode'), 'version'),
    topology:
      topology === undefined
        ? undefined
        : {
            sockets: part('sockets'),
            dies: part('dies'),
            cores: part('cores'),
            threads: part('threads'),
          },
    features: cpu.childrenNamed('feature').flatMap((feature) => feature.attribute('name') ?? []),
    pageSizesBytes: cpu.childrenNamed('pages').flatMap((one) => bytesAttribute(one, 'size') ?? []),
    physicalAddressBits: integerAttribute(cpu.child('maxphysaddr'), 'bits'),
    tscHz: integerAttribute(tsc, 'frequency'),
    tscScaling: flagAttribute(tsc, 'scaling'),
  };
}

function readMigration(features: XmlElement | undefined): HostMigration | undefined {
  if (features === undefined) return undefined;
  return {
    live: features.child('live') !== undefined,
    transports: features
      .findAll('uri_transports/uri_transport')
      .flatMap((transport) => textOf(transport) ?? []),
  };
}

function readGuest(guest: XmlElement): GuestAbility {
  const arch = guest.child('arch');
  // Each <domain> may name machines of its own beside those of the architecture.
  const machines = [...guest.findAll('arch/machine'), ...guest.findAll('arch/domain/machine')];
  const limits = machines.flatMap((machine): [string, number][] => {
    const most = integerAttribute(machine, 'maxCpus');
    return most === undefined ? [] : [[machine.text.trim(), most]];
  });
  return {
    arch: arch?.attribute('name') ?? '',
    emulator: textOf(arch?.child('emulator')),
    machines: [...new Set(machines.flatMap((machine) => textOf(machine) ?? []))],
    maxCpus: Object.fromEntries(limits),
    domainTypes: guest.findAll('arch/domain').flatMap((domain) => domain.attribute('type') ?? []),
  };
}
