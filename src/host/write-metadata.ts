import {
  DomainAffect,
  DomainMetadataType,
  domainOf,
  domainSetMetadata,
  ErrorCode,
} from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import { renderXml } from '../xml/index.ts';
import { libvirtCodeOf } from './host-link.ts';
import type { HostLink } from './host-link.ts';
import { bareMetadataElement, METADATA_KEY, METADATA_NAMESPACE } from './metadata.ts';
import type { VmMetadata } from './metadata.ts';

/**
 * Writes Berth's part of a domain's metadata, and nothing else of its definition. Safe to repeat.
 * @param flags of `DomainAffect`: what runs, the definition, or both.
 */
export async function writeMetadata(
  link: HostLink,
  uuid: string,
  metadata: VmMetadata,
  flags: number,
  wait: Wait,
): Promise<void> {
  await link.call(
    domainSetMetadata,
    {
      dom: domainOf(uuid),
      type: DomainMetadataType.element,
      metadata: renderXml(bareMetadataElement(metadata)),
      key: METADATA_KEY,
      uri: METADATA_NAMESPACE,
      flags,
    },
    wait,
  );
}

/** The same for what runs, beside its definition. A domain that has ended meanwhile is no error. */
export async function noteRunning(
  link: HostLink,
  uuid: string,
  metadata: VmMetadata,
  wait: Wait,
): Promise<void> {
  try {
    await writeMetadata(link, uuid, metadata, DomainAffect.live, wait);
  } catch (error) {
    if (libvirtCodeOf(error) !== ErrorCode.operationInvalid) throw error;
  }
}
