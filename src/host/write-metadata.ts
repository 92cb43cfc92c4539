import {
  DomainAffect,
  DomainMetadataType,
  domainOf,
  domainSetMetadata,
  ErrorCode,
} from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import { renderXml } from '../xml/index.ts';
import type { ElementDraft } from '../xml/index.ts';
import { libvirtCodeOf } from './host-link.ts';
import type { HostLink } from './host-link.ts';
import {
  bareAdoptionElement,
  bareMetadataElement,
  METADATA_KEY,
  METADATA_NAMESPACE,
} from './metadata.ts';
import type { Adoption, VmMetadata } from './metadata.ts';

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
  await setMetadata(link, uuid, { draft: bareMetadataElement(metadata), flags }, wait);
}

async function setMetadata(
  link: HostLink,
  uuid: string,
  { draft, flags }: { readonly draft: ElementDraft | undefined; readonly flags: number },
  wait: Wait,
): Promise<void> {
  await link.call(
    domainSetMetadata,
    {
      dom: domainOf(uuid),
      type: DomainMetadataType.element,
      ...(draft === undefined ? {} : { metadata: renderXml(draft) }),
      key: METADATA_KEY,
      uri: METADATA_NAMESPACE,
      flags,
    },
    wait,
  );
}

/**
 * Writes the labels of a domain that is taken in as it is: for what runs, and in its definition, of
 * which a transient domain has none. Nothing else of it changes. Safe to repeat.
 */
export async function writeAdoption(
  link: HostLink,
  uuid: string,
  adoption: Adoption,
  wait: Wait,
): Promise<void> {
  await writeElement(link, uuid, { draft: bareAdoptionElement(adoption) }, wait);
}

/** Takes Berth's part out of a domain's metadata. One that has none is no error. */
export async function removeMetadata(link: HostLink, uuid: string, wait: Wait): Promise<void> {
  await writeElement(link, uuid, {}, wait);
}

/** Where there is nothing to be written to, libvirt calls the operation invalid. */
async function writeElement(
  link: HostLink,
  uuid: string,
  { draft }: { readonly draft?: ElementDraft },
  wait: Wait,
): Promise<void> {
  const failures: unknown[] = [];
  for (const flags of [DomainAffect.config, DomainAffect.live]) {
    try {
      await setMetadata(link, uuid, { draft, flags }, wait);
    } catch (error) {
      const code = libvirtCodeOf(error);
      if (code === ErrorCode.noDomainMetadata) continue;
      if (code !== ErrorCode.operationInvalid && code !== ErrorCode.invalidArg) throw error;
      failures.push(error);
    }
  }
  if (failures.length > 1) throw failures[0];
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
