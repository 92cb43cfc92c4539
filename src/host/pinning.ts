import { formatIntSet } from '../base/int-set.ts';
import {
  DomainAffect,
  DomainMetadataType,
  domainOf,
  domainPinEmulator,
  domainPinIothread,
  domainPinVcpuFlags,
  domainSetMetadata,
  ErrorCode,
} from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import type { Placement } from '../model/placement.ts';
import { renderXml } from '../xml/index.ts';
import { mapOfCpus } from './cpu-map.ts';
import { isActive } from './domain-record.ts';
import type { DomainRecord } from './domain-record.ts';
import { libvirtCodeOf } from './host-link.ts';
import type { HostLink } from './host-link.ts';
import { bareMetadataElement, METADATA_KEY, METADATA_NAMESPACE } from './metadata.ts';

/**
 * Moves the threads of a VM to the pCPUs of a new placement on the same cells: now when it runs,
 * and in its definition, and notes the placement in its metadata. Safe to repeat.
 * @returns false when the domain is gone, or has been started or stopped since it was read.
 */
export async function repin(
  link: HostLink,
  record: DomainRecord,
  placement: Placement,
  pcpus: number,
  wait: Wait,
): Promise<boolean> {
  try {
    await pinAll(link, record, placement, pcpus, wait);
    return true;
  } catch (error) {
    const code = libvirtCodeOf(error);
    if (code === ErrorCode.noDomain || code === ErrorCode.operationInvalid) return false;
    throw error;
  }
}

async function pinAll(
  link: HostLink,
  record: DomainRecord,
  placement: Placement,
  pcpus: number,
  wait: Wait,
): Promise<void> {
  const dom = domainOf(record.uuid);
  const flags = DomainAffect.config | (isActive(record.state) ? DomainAffect.live : 0);
  for (const { vcpu, pcpus: allowed } of placement.vcpus) {
    const cpumap = mapOfCpus(allowed, pcpus);
    await link.call(domainPinVcpuFlags, { dom, vcpu, cpumap, flags }, wait);
  }
  const cpumap = mapOfCpus(placement.emulator, pcpus);
  await link.call(domainPinEmulator, { dom, cpumap, flags }, wait);
  for (const { id: iothreadsId, pcpus: allowed } of placement.ioThreads ?? []) {
    const map = mapOfCpus(allowed, pcpus);
    await link.call(domainPinIothread, { dom, iothreadsId, cpumap: map, flags }, wait);
  }
  if (record.metadata === undefined) return;
  const metadata = renderXml(bareMetadataElement({ ...record.metadata, placement }));
  const type = DomainMetadataType.element;
  const change = { dom, type, metadata, key: METADATA_KEY, uri: METADATA_NAMESPACE, flags };
  await link.call(domainSetMetadata, change, wait);
}

/** True when two placements let every thread run on the same pCPUs. */
export function samePins(a: Placement, b: Placement): boolean {
  return pinText(a) === pinText(b);
}

function pinText({ vcpus, emulator, ioThreads = [] }: Placement): string {
  return [emulator, ...[...vcpus, ...ioThreads].map((seat) => seat.pcpus)]
    .map(formatIntSet)
    .join(';');
}
