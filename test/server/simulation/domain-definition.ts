import { formatIntSet } from '../../../src/base/int-set.ts';
import { cpusOfMap } from '../../../src/host/cpu-map.ts';
import { pageSizeKiB } from '../../../src/host/domain-record.ts';
import { readMetadata } from '../../../src/host/metadata.ts';
import type { VmMetadata } from '../../../src/host/metadata.ts';
import { el, parseXml, writeXml } from '../../../src/xml/index.ts';
import type { ElementDraft, XmlDocument, XmlElement } from '../../../src/xml/index.ts';
import { readDomain } from '../../../src/xml/domain.ts';
import type { DomainXml } from '../../../src/xml/domain.ts';
import type { HeldMemory } from './simulated-machine.ts';

/** Whose threads are pinned: one vCPU, one I/O thread, or QEMU's others. */
export interface PinnedThread {
  readonly element: 'vcpupin' | 'iothreadpin' | 'emulatorpin';
  readonly id?: number;
}

/** What a domain is, or will be at its next start: XML that libvirt changes in place. */
export class DomainDefinition {
  readonly #document: XmlDocument;
  #text: string | undefined;
  #read: DomainXml | undefined;
  #metadata: { readonly found: VmMetadata | undefined } | undefined;

  /** @throws BERTH_XML_INVALID */
  constructor(xml: string) {
    this.#document = parseXml(xml, 'a domain');
  }

  get text(): string {
    this.#text ??= writeXml(this.#document);
    return this.#text;
  }

  get content(): DomainXml {
    this.#read ??= readDomain(this.#document.root);
    return this.#read;
  }

  /** Berth's part; undefined of a domain that is not Berth's. */
  get metadata(): VmMetadata | undefined {
    this.#metadata ??= { found: readMetadata(this.#document.root) };
    return this.#metadata.found;
  }

  /** The memory that a guest of it takes: from the cells that it is bound to. */
  get memory(): readonly HeldMemory[] {
    const { memoryBytes = 0, numaTune, cpu } = this.content;
    const pageKiB = pageSizeKiB(this.content);
    const { memory, cells = [] } = numaTune ?? {};
    const isBound = memory?.mode === 'strict' || memory?.mode === 'restrictive';
    if (cells.length > 0) {
      return cells.map(({ guestCell, hostCells = [] }) => {
        const bytes = cpu?.cells.find(({ id }) => id === guestCell)?.memoryBytes ?? 0;
        return { cell: isBound ? hostCells[0] : undefined, bytes, pageKiB };
      });
    }
    const { hostCells = [] } = memory ?? {};
    const cell = isBound && hostCells.length === 1 ? hostCells[0] : undefined;
    return [{ cell, bytes: memoryBytes, pageKiB }];
  }

  /** Lets a thread run on those pCPUs alone. */
  pin({ element, id }: PinnedThread, cpumap: Uint8Array): void {
    const name = element === 'iothreadpin' ? 'iothread' : 'vcpu';
    const tune = this.#document.root.ensureChild('cputune');
    const found = tune
      .childrenNamed(element)
      .find((pin) => id === undefined || pin.attribute(name) === `${id}`);
    const pin = found ?? tune.append(el(element, id === undefined ? {} : { [name]: id }));
    pin.setAttribute('cpuset', formatIntSet(cpusOfMap(cpumap)));
    this.#forget();
  }

  /**
   * Puts somebody's element into the metadata, in place of the one there; none takes that away
   * (virXMLInjectNamespace).
   */
  setMetadata(xml: string, key: string, namespace: string): void {
    const metadata = this.#document.root.ensureChild('metadata');
    metadata.childIn(namespace)?.remove();
    this.#forget();
    if (xml === '') return;
    const { root } = parseXml(xml, 'metadata');
    metadata.append(prefixed(root, key, { [`xmlns:${key}`]: namespace }));
  }

  #forget(): void {
    this.#text = undefined;
    this.#read = undefined;
    this.#metadata = undefined;
  }
}

function prefixed(
  { name, elements, text }: XmlElement,
  key: string,
  attributes: Readonly<Record<string, string>> = {},
): ElementDraft {
  const inner = elements.length === 0 ? [text] : elements.map((child) => prefixed(child, key));
  return el(`${key}:${name}`, attributes, ...inner);
}
