import { formatIntSet } from '../base/int-set.ts';
import {
  DomainAffect,
  domainOf,
  domainPinEmulator,
  domainPinIothread,
  domainPinVcpuFlags,
  ErrorCode,
} from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import type { Placement } from '../model/placement.ts';
import { mapOfCpus } from './cpu-map.ts';
import { isActive } from './domain-record.ts';
import type { DomainRecord } from './domain-record.ts';
import { libvirtCodeOf } from './host-link.ts';
import type { HostLink } from './host-link.ts';
import { configMetadata } from './metadata.ts';
import { writeMetadata } from './write-metadata.ts';

/** The placements of a VM: that of what runs, and that of its definition where it is another. */
export interface Repinned {
  readonly placement: Placement;
  readonly next?: Placement;
}

/**
 * Moves the threads of a VM to the pCPUs of a new placement on the same cells: now when it runs,
 * and in its definition, and notes the placement in its metadata. Safe to repeat.
 * @returns false when the domain is gone, or has been started or stopped since it was read.
 */
export async function repin(
  link: HostLink,
  record: DomainRecord,
  placements: Repinned,
  pcpus: number,
  wait: Wait,
): Promise<boolean> {
  try {
    await pinAll(link, record, placements, pcpus, wait);
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
  { placement, next }: Repinned,
  pcpus: number,
  wait: Wait,
): Promise<void> {
  const { uuid, metadata } = record;
  const [config, live] = [DomainAffect.config, isActive(record.state) ? DomainAffect.live : 0];
  const pin = async (to: Placement, flags: number): Promise<void> =>
    pinThreads(link, uuid, to, { pcpus, flags }, wait);
  if (next === undefined) await pin(placement, config | live);
  else await Promise.all([pin(placement, live), pin(next, config)]);
  if (metadata === undefined) return;
  const noted = {
    ...metadata,
    placement,
    ...(next === undefined || metadata.next === undefined
      ? {}
      : { next: { ...metadata.next, placement: next } }),
  };
  if (live !== 0) await writeMetadata(link, uuid, noted, live, wait);
  await writeMetadata(link, uuid, configMetadata(noted), config, wait);
}

async function pinThreads(
  link: HostLink,
  uuid: string,
  placement: Placement,
  { pcpus, flags }: { readonly pcpus: number; readonly flags: number },
  wait: Wait,
): Promise<void> {
  const dom = domainOf(uuid);
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
