import type { ElementDraft } from './draft.ts';
import { buildElement, type XmlElement } from './element.ts';
import { FRESH_LAYOUT } from './layout.ts';
import { checkNamespaces, scopeOf } from './namespaces.ts';
import type { XmlNode } from './node.ts';
import { writeXml } from './write.ts';

/** A whole document: its root, and around it what belongs to no element. */
export class XmlDocument {
  readonly kind = 'document';
  readonly root: XmlElement;
  /** The root and what stands before and after it: white space, comments, declaration, DOCTYPE. */
  readonly nodes: readonly XmlNode[];

  constructor(nodes: readonly XmlNode[], root: XmlElement) {
    this.nodes = nodes;
    this.root = root;
  }
}

/**
 * A document made from nothing, indented as libvirt indents its own.
 * @throws BERTH_SPEC_INVALID when a prefix is used that nothing in the draft declares.
 */
export function newDocument(draft: ElementDraft): XmlDocument {
  const root = buildElement(draft, { quote: "'", layout: FRESH_LAYOUT }, { isRoot: true });
  checkNamespaces(root, scopeOf(undefined));
  return new XmlDocument([root, { kind: 'text', raw: '\n', value: '\n' }], root);
}

/** The text of a document made from nothing. */
export function renderXml(draft: ElementDraft): string {
  return writeXml(newDocument(draft));
}
