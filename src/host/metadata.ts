import { berthError } from '../base/errors.ts';
import type { Placement } from '../model/placement.ts';
import { isPlacement } from './placement-check.ts';
import { el } from '../xml/index.ts';
import type { DraftAttributes, ElementDraft, XmlElement } from '../xml/index.ts';

/**
 * Berth's part of a domain's `<metadata>`: the document its user wrote and the placement that was
 * decided. The fleet is the database: the store can be lost, this cannot. Any client that may read
 * the domain can read it, so no secret ever goes here.
 */
export const METADATA_NAMESPACE = 'urn:berth:vm:1';
/** The prefix under which libvirt keeps the element (the `key` of virDomainSetMetadata). */
export const METADATA_KEY = 'berth';

/** What a domain says of itself. */
export interface VmMetadata {
  /** The VM document as JSON value; the server checks it again when it reads it. */
  readonly document: unknown;
  readonly placement: Placement;
  /** When it is expected to be gone, in milliseconds since the epoch; absent: nobody knows. */
  readonly expectedEnd?: number;
  /** Paths of the volumes that were made for this VM and go with it. */
  readonly volumes: readonly string[];
  /**
   * What its definition says already and the guest gets at its next start; only a running domain
   * has it, beside the document and the placement that it runs by.
   */
  readonly next?: NextVm;
}

/** A VM as it is from its next start on. */
export interface NextVm {
  readonly document: unknown;
  readonly placement: Placement;
}

/**
 * What a domain that Berth did not make has from Berth: labels, and nothing else. Its place is what
 * its XML says.
 */
export interface Adoption {
  readonly labels: Readonly<Record<string, string>>;
}

/** What the definition of a domain says of itself, where the running one says this: the next VM. */
export function configMetadata({ next, ...now }: VmMetadata): VmMetadata {
  return { ...now, ...next };
}

/** The element that goes into a domain's `<metadata>`. */
export function metadataElement(metadata: VmMetadata): ElementDraft {
  return vmElement(metadata, `${METADATA_KEY}:`, {
    [`xmlns:${METADATA_KEY}`]: METADATA_NAMESPACE,
  });
}

/**
 * The same for virDomainSetMetadata, which puts key and namespace on every element by itself and
 * refuses an element that has them already (libvirt 9.0, virXMLInjectNamespace).
 */
export function bareMetadataElement(metadata: VmMetadata): ElementDraft {
  return vmElement(metadata, '', {});
}

function vmElement(
  { document, placement, expectedEnd, volumes, next }: VmMetadata,
  prefix: string,
  attributes: DraftAttributes,
): ElementDraft {
  return el(
    `${prefix}vm`,
    attributes,
    el(`${prefix}document`, {}, JSON.stringify(document)),
    el(`${prefix}placement`, {}, JSON.stringify(placement)),
    ...(expectedEnd === undefined ? [] : [el(`${prefix}expectedEnd`, {}, expectedEnd)]),
    ...volumes.map((path) => el(`${prefix}volume`, {}, path)),
    ...(next === undefined ? [] : [el(`${prefix}next`, {}, JSON.stringify(next))]),
  );
}

/** The element for virDomainSetMetadata of a domain that is taken in as it is. */
export function bareAdoptionElement({ labels }: Adoption): ElementDraft {
  return el('vm', {}, el('adopted', {}, JSON.stringify(labels)));
}

/**
 * Reads what an adopted domain has from Berth.
 * @returns undefined for a domain that was not adopted.
 * @throws BERTH_FACTS_INVALID when somebody has damaged it.
 */
export function readAdoption(domain: XmlElement): Adoption | undefined {
  const vm = domain.child('metadata')?.childIn(METADATA_NAMESPACE, 'vm');
  if (vm?.childIn(METADATA_NAMESPACE, 'adopted') === undefined) return undefined;
  const labels = jsonIn(vm, 'adopted');
  const isRecord = typeof labels === 'object' && labels !== null && !Array.isArray(labels);
  if (!isRecord) throw damaged(vm, 'adopted');
  const texts = Object.entries(labels).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string',
  );
  return { labels: Object.fromEntries(texts) };
}

/**
 * Reads Berth's part of a domain's XML.
 * @returns undefined for a domain that Berth did not make.
 * @throws BERTH_FACTS_INVALID when somebody has damaged it: such a domain is only watched.
 */
export function readMetadata(domain: XmlElement): VmMetadata | undefined {
  const vm = domain.child('metadata')?.childIn(METADATA_NAMESPACE, 'vm');
  if (vm === undefined || vm.childIn(METADATA_NAMESPACE, 'adopted') !== undefined) return undefined;
  const placement = jsonIn(vm, 'placement');
  if (!isPlacement(placement)) throw damaged(vm, 'placement');
  return {
    document: jsonIn(vm, 'document'),
    placement,
    ...expectedEndIn(vm),
    volumes: vm.elements.filter((child) => child.local === 'volume').map((child) => child.text),
    ...nextIn(vm),
  };
}

function nextIn(vm: XmlElement): Pick<VmMetadata, 'next'> {
  if (vm.childIn(METADATA_NAMESPACE, 'next') === undefined) return {};
  const next = jsonIn(vm, 'next');
  const isRecord = typeof next === 'object' && next !== null;
  if (!isRecord || !('placement' in next) || !isPlacement(next.placement)) {
    throw damaged(vm, 'next');
  }
  return {
    next: {
      document: 'document' in next ? next.document : undefined,
      placement: next.placement,
    },
  };
}

/** An expectation is no promise: one that cannot be read counts as absent. */
function expectedEndIn(vm: XmlElement): Pick<VmMetadata, 'expectedEnd'> {
  const text = vm.childIn(METADATA_NAMESPACE, 'expectedEnd')?.text;
  const expectedEnd = Number(text);
  return text === undefined || !Number.isFinite(expectedEnd) ? {} : { expectedEnd };
}

function jsonIn(vm: XmlElement, local: string): unknown {
  const text = vm.childIn(METADATA_NAMESPACE, local)?.text;
  try {
    return JSON.parse(text ?? '');
  } catch {
    throw damaged(vm, local);
  }
}

function damaged(vm: XmlElement, what: string): Error {
  const line = vm.place?.line;
  return berthError('BERTH_FACTS_INVALID', {
    fact: `<${METADATA_KEY}:${what}> in a domain's metadata${line === undefined ? '' : `, line ${line}`}`,
    problem: 'it is not what Berth wrote',
  });
}
