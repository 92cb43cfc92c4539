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
  /** True when an IOMMU is on; undefined before libvirt 4.8, which does not tell. */
  readonly iommu: boolean | undefined;
  readonly cells: readonly CapabilitiesCell[];
  /** Cache banks; empty before libvirt 4.1 and where sysfs tells nothing. */
  readonly caches: readonly CacheBank[];
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

export interface CacheBank {
  readonly id: number;
  readonly level: number;
  /** data, code or both. */
  readonly type: string | undefined;
  readonly sizeBytes: number | undefined;
  readonly cpus: readonly number[];
}

/** A kind of guest that the host can run. */
export interface GuestAbility {
  readonly arch: string;
  readonly emulator: string | undefined;
  /** Machine types, aliases included. */
  readonly machines: readonly string[];
  /** qemu for emulation, kvm where it works. */
  readonly domainTypes: readonly string[];
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
    iommu: flagAttribute(root.find('host/iommu'), 'support'),
    cells: root.findAll('host/topology/cells/cell').map(readCell),
    caches: root.findAll('host/cache/bank').map(readBank),
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
  };
}

function readGuest(guest: XmlElement): GuestAbility {
  const arch = guest.child('arch');
  // Each <domain> may name machines of its own beside those of the architecture.
  const machines = [
    ...guest.findAll('arch/machine'),
    ...guest.findAll('arch/domain/machine'),
  ].flatMap((machine) => textOf(machine) ?? []);
  return {
    arch: arch?.attribute('name') ?? '',
    emulator: textOf(arch?.child('emulator')),
    machines: [...new Set(machines)],
    domainTypes: guest.findAll('arch/domain').flatMap((domain) => domain.attribute('type') ?? []),
  };
}
