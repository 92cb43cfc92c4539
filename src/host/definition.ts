import { DomainXmlFlag, domainGetXmlDesc, domainOf } from '../libvirt/index.ts';
import type { Wait } from '../libvirt/index.ts';
import { readDomain } from '../xml/domain.ts';
import type { DomainXml } from '../xml/domain.ts';
import { parseXml, writeXml } from '../xml/index.ts';
import type { XmlElement } from '../xml/index.ts';
import type { HostLink } from './host-link.ts';
import { METADATA_NAMESPACE } from './metadata.ts';
import type { Owned } from './owned-devices.ts';
import { OWNED_PARTS } from './owned-parts.ts';

/**
 * A domain's definition: what it is from its next start on.
 * @param options.secrets with the passwords in it, as they must be defined again; such a text is
 * never kept anywhere.
 */
export async function readDefinition(
  link: HostLink,
  uuid: string,
  options: { readonly secrets: boolean },
  wait: Wait,
): Promise<string> {
  const flags = DomainXmlFlag.inactive | (options.secrets ? DomainXmlFlag.secure : 0);
  const { xml } = await link.call(domainGetXmlDesc, { dom: domainOf(uuid), flags }, wait);
  return xml;
}

/** A domain's definition, understood; of a transient one, which has none, what runs. */
export async function readDefinitionOrRunning(
  link: HostLink,
  uuid: string,
  wait: Wait,
): Promise<DomainXml> {
  // Libvirt tells of a transient domain as if what runs were its definition.
  const xml = await readDefinition(link, uuid, { secrets: false }, wait);
  return readDomain(parseXml(xml, 'a domain').root);
}

/** What runs of a domain, or its definition where nothing does. */
export async function readRunning(link: HostLink, uuid: string, wait: Wait): Promise<DomainXml> {
  const { xml } = await link.call(domainGetXmlDesc, { dom: domainOf(uuid), flags: 0 }, wait);
  return readDomain(parseXml(xml, 'a domain').root);
}

/**
 * The definition with every part of Berth's as another one has it; all else stays as it is, byte
 * for byte.
 * @param wanted a whole definition, such as `renderDomain` makes.
 */
export function redefined(xml: string, wanted: string, owned: Owned): string {
  const [document, source] = [parseXml(xml, 'a domain'), parseXml(wanted, 'a domain').root];
  const [is, to] = [readDomain(document.root), readDomain(source)];
  for (const { tell, write } of OWNED_PARTS) {
    if (tell(is, owned) !== tell(to, owned)) write(document.root, source, owned);
  }
  replaceOwnMetadata(document.root, source);
  return writeXml(document);
}

/** The definition with all that `redefined` may have changed as it was before. */
export function restored(xml: string, before: string): string {
  const [document, source] = [parseXml(xml, 'a domain'), parseXml(before, 'a domain').root];
  const [is, to] = [readDomain(document.root), readDomain(source)];
  for (const { tell, write, isDevice } of OWNED_PARTS) {
    if (isDevice !== true && tell(is, NOTHING) !== tell(to, NOTHING)) {
      write(document.root, source, NOTHING);
    }
  }
  for (const name of ['disk', 'interface', 'hostdev']) restoreDevices(document.root, source, name);
  replaceOwnMetadata(document.root, source);
  return writeXml(document);
}

const NOTHING: Owned = { disks: new Set(), nics: 0, pci: new Set() };

function restoreDevices(target: XmlElement, source: XmlElement, name: string): void {
  const devices = target.ensureChild('devices');
  for (const device of devices.childrenNamed(name)) device.remove();
  for (const device of source.findAll(`devices/${name}`)) devices.append(device.clone());
}

function replaceOwnMetadata(target: XmlElement, source: XmlElement): void {
  const wanted = source.child('metadata')?.childIn(METADATA_NAMESPACE, 'vm');
  const metadata = target.ensureChild('metadata');
  const old = metadata.childIn(METADATA_NAMESPACE, 'vm');
  if (wanted === undefined) return;
  if (old === undefined) metadata.append(wanted.clone());
  else metadata.replace(old, wanted.clone());
}
