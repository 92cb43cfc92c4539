import { assert } from '../base/assert.ts';
import { berthError } from '../base/errors.ts';
import { el, type ElementDraft } from './draft.ts';
import {
  childrenWithout,
  innerLayout,
  lineStart,
  planAppend,
  planBeside,
  planInstead,
  quoteAround,
  type Insertion,
  type Style,
} from './layout.ts';
import { checkNamespaces, namespaceAt, scopeOf } from './namespaces.ts';
import { elementsOf, type XmlAttribute, type XmlNode, type XmlText } from './node.ts';
import type { Place, SourceText } from './source-text.ts';
import {
  checkName,
  isBlank,
  localOf,
  prefixOf,
  spellAttribute,
  spellText,
  type Quote,
} from './spelling.ts';

/** How deep elements may nest; libxml2's own limit for untrusted documents. */
export const ELEMENT_DEPTH_MAX = 256;

/** The bytes of an element's tags beyond its name and attributes. */
export interface TagSpelling {
  /** White space before the `>` or `/>` of the start tag. */
  readonly startTail: string;
  /** White space before the `>` of the end tag. */
  readonly endTail: string;
  /** True for `<a/>`; only followed while there is no content. */
  readonly selfClosing: boolean;
}

interface ElementParts {
  readonly name: string;
  readonly attributes: readonly XmlAttribute[];
  readonly children: readonly XmlNode[];
  readonly spelling: TagSpelling;
  /** True for the root of a document, which can be taken nowhere. */
  readonly isRoot?: boolean;
  readonly origin?: { readonly source: SourceText; readonly offset: number } | undefined;
}

/**
 * An element of a document. Reading never changes it; every edit replaces the smallest piece that
 * says what was asked and leaves all other bytes alone. What would make the document ill-formed (a
 * wrong name, a control character, an undeclared prefix, too deep a nesting) is refused before
 * anything changes.
 */
export class XmlElement {
  readonly kind = 'element';
  /** The name as written, prefix included. */
  readonly name: string;
  readonly spelling: TagSpelling;
  readonly #origin: ElementParts['origin'];
  #attributes: readonly XmlAttribute[];
  #children: readonly XmlNode[];
  #parent: XmlElement | undefined;
  readonly #isRoot: boolean;

  /** For the parser and the builder; use `el` and `append` to make elements. */
  constructor(parts: ElementParts) {
    this.name = parts.name;
    this.spelling = parts.spelling;
    this.#attributes = parts.attributes;
    this.#children = parts.children;
    this.#origin = parts.origin;
    this.#isRoot = parts.isRoot ?? false;
    for (const child of elementsOf(this.#children)) child.#parent = this;
  }

  /** The name without its prefix. */
  get local(): string {
    return localOf(this.name);
  }

  /** The namespace; undefined for libvirt's own elements, which have none. */
  get namespace(): string | undefined {
    const namespace = namespaceAt(this, prefixOf(this.name));
    return namespace === '' ? undefined : namespace;
  }

  /** Undefined for the root and for an element taken out of its document. */
  get parent(): XmlElement | undefined {
    return this.#parent;
  }

  /** Where its start tag stood in the text that was parsed; undefined for a new element. */
  get place(): Place | undefined {
    return this.#origin?.source.locate(this.#origin.offset);
  }

  get attributes(): readonly XmlAttribute[] {
    return this.#attributes;
  }

  /** Everything inside, white space and comments too. */
  get children(): readonly XmlNode[] {
    return this.#children;
  }

  get elements(): readonly XmlElement[] {
    return elementsOf(this.#children);
  }

  /** The character data directly inside, references resolved and CDATA included. */
  get text(): string {
    return this.#children.map((node) => (isCharacterData(node) ? node.value : '')).join('');
  }

  /** An attribute's value, by its name as written; undefined when it is not there. */
  attribute(name: string): string | undefined {
    return this.#attributes.find((attribute) => attribute.name === name)?.value;
  }

  /** The first child of that name as written. */
  child(name: string): XmlElement | undefined {
    return this.elements.find((element) => element.name === name);
  }

  childrenNamed(name: string): readonly XmlElement[] {
    return this.elements.filter((element) => element.name === name);
  }

  /** The first child of that namespace, whatever its prefix; of any name when none is given. */
  childIn(namespace: string, local?: string): XmlElement | undefined {
    return this.elements.find(
      (element) =>
        element.namespace === namespace && (local === undefined || element.local === local),
    );
  }

  /** The first element down a path of names: `find('os/type')`. */
  find(path: string): XmlElement | undefined {
    return this.findAll(path)[0];
  }

  /** All elements down a path of names, in document order: `findAll('devices/disk')`. */
  findAll(path: string): readonly XmlElement[] {
    let found: readonly XmlElement[] = [this];
    for (const name of path.split('/')) found = found.flatMap((at) => at.childrenNamed(name));
    return found;
  }

  /**
   * Sets an attribute where it is, or adds it behind the others in their style. A value that is
   * there already keeps its spelling.
   * @throws BERTH_SPEC_INVALID
   */
  setAttribute(name: string, value: string | number): this {
    if (this.attribute(name) === `${value}`) return this;
    checkName(name, `an attribute of <${this.name}>`);
    const next = styledAttribute(this, name, `${value}`);
    const index = this.#attributes.findIndex((attribute) => attribute.name === name);
    this.#changeAttributes(
      index === -1 ? [...this.#attributes, next] : this.#attributes.with(index, next),
      name,
    );
    return this;
  }

  /** Takes an attribute away, with the white space before it; nothing happens where there is none. */
  removeAttribute(name: string): this {
    const rest = this.#attributes.filter((attribute) => attribute.name !== name);
    if (rest.length < this.#attributes.length) this.#changeAttributes(rest, name);
    return this;
  }

  /**
   * Replaces the character data; comments stay. A text that is there already keeps its spelling.
   * @throws BERTH_SPEC_INVALID for a character XML does not have, or when there are elements inside.
   */
  setText(value: string | number): this {
    if (this.elements.length > 0) {
      throw berthError('BERTH_SPEC_INVALID', {
        where: `<${this.name}>`,
        problem: 'it holds elements, so it has no text to set',
        expected: 'an element without others inside',
      });
    }
    const text = `${value}`;
    const raw = spellText(text, `<${this.name}>`);
    if (this.text === text) return this;
    const first = this.#children.findIndex((node) => isCharacterData(node));
    const before = first === -1 ? this.#children : this.#children.slice(0, first);
    const after = this.#children.slice(before.length).filter((node) => !isCharacterData(node));
    const next: readonly XmlText[] = text === '' ? [] : [{ kind: 'text', raw, value: text }];
    this.#children = [...before, ...next, ...after];
    return this;
  }

  /** The child of that name, made at the end when it is not there. */
  ensureChild(name: string): XmlElement {
    return this.child(name) ?? this.append(el(name));
  }

  /**
   * Puts a new element, or one that was taken out elsewhere, behind all others, indented as they are.
   * @returns the element in its place.
   * @throws BERTH_SPEC_INVALID for an undeclared prefix, BERTH_TOO_LARGE beyond ELEMENT_DEPTH_MAX.
   */
  append(child: ElementDraft | XmlElement): XmlElement {
    return this.#insert(child, planAppend(this));
  }

  /** As `append`, on the line before a child of this element. */
  insertBefore(child: ElementDraft | XmlElement, sibling: XmlElement): XmlElement {
    assert(sibling.#parent === this, 'the sibling is a child of this element');
    return this.#insert(child, planBeside(sibling, 'before'));
  }

  /** As `append`, on the line after a child of this element. */
  insertAfter(child: ElementDraft | XmlElement, sibling: XmlElement): XmlElement {
    assert(sibling.#parent === this, 'the sibling is a child of this element');
    return this.#insert(child, planBeside(sibling, 'after'));
  }

  /** As `append`, in the place of a child of this element, which is taken out. */
  replace(child: XmlElement, replacement: ElementDraft | XmlElement): XmlElement {
    assert(child.#parent === this, 'what is replaced is a child of this element');
    const put = this.#insert(replacement, planInstead(child));
    this.#children = this.#children.filter((node) => node !== child);
    child.#parent = undefined;
    return put;
  }

  /** Takes this element out of its parent, with the line it stands on when it has it to itself. */
  remove(): this {
    const parent = this.#parent;
    assert(parent !== undefined, `<${this.name}> has a parent to be taken from`);
    const rest = childrenWithout(parent, this);
    const isEmpty = rest.every((node) => node.kind === 'text' && isBlank(node.raw));
    parent.#children = isEmpty && parent.spelling.selfClosing ? [] : rest;
    this.#parent = undefined;
    return this;
  }

  /** A copy that belongs to no document, spelled as this one. */
  clone(): XmlElement {
    return new XmlElement({
      name: this.name,
      attributes: this.#attributes,
      children: this.#children.map((node) => (node.kind === 'element' ? node.clone() : node)),
      spelling: this.spelling,
    });
  }

  #insert(child: ElementDraft | XmlElement, plan: Insertion): XmlElement {
    const style: Style = { quote: quoteAround(this), layout: plan.layout };
    const element = child.kind === 'draft' ? buildElement(child, style) : child;
    assert(!element.#isRoot && element.#parent === undefined, 'the element has no place yet');
    assert(rootOf(this) !== element, 'no element goes inside itself');
    checkDepth(depthOf(this) + heightOf(element), element.name);
    checkNamespaces(element, scopeOf(this));
    element.#parent = this;
    this.#children = this.#children.toSpliced(
      plan.index,
      0,
      ...plan.before,
      element,
      ...plan.after,
    );
    return element;
  }

  #changeAttributes(next: readonly XmlAttribute[], changed: string): void {
    const previous = this.#attributes;
    this.#attributes = next;
    if (prefixOf(changed) === '' && changed !== 'xmlns') return;
    try {
      checkNamespaces(this, scopeOf(this.#parent));
    } catch (error) {
      this.#attributes = previous;
      throw error;
    }
  }
}

/** Makes the element that a draft describes, belonging to no document or as the root of one. */
export function buildElement(
  draft: ElementDraft,
  style: Style,
  options: { readonly isRoot: boolean } = { isRoot: false },
): XmlElement {
  const layout = innerLayout(draft, style.layout);
  const children = draft.content.map((part) =>
    typeof part === 'string'
      ? textNode(part, draft.name)
      : buildElement(part, { ...style, layout }),
  );
  return new XmlElement({
    name: draft.name,
    attributes: draft.attributes.map(([name, value]) => newAttribute(name, value, style.quote)),
    children:
      layout === undefined || style.layout === undefined
        ? children
        : [...children.flatMap((child) => [lineStart(layout), child]), lineStart(style.layout)],
    spelling: { startTail: '', endTail: '', selfClosing: true },
    ...options,
  });
}

function textNode(value: string, element: string): XmlText {
  return { kind: 'text', raw: spellText(value, `<${element}>`), value };
}

function isCharacterData(node: XmlNode): node is XmlText {
  return node.kind === 'text' || node.kind === 'cdata';
}

function newAttribute(name: string, value: string, quote: Quote): XmlAttribute {
  return { lead: ' ', name, equals: '=', quote, raw: spellAttribute(value, quote, name), value };
}

/** A new attribute stands as the last one does; a changed one keeps all but its value. */
function styledAttribute(element: XmlElement, name: string, value: string): XmlAttribute {
  const model =
    element.attributes.find((attribute) => attribute.name === name) ?? element.attributes.at(-1);
  const plain = newAttribute(name, value, model?.quote ?? quoteAround(element));
  return model === undefined ? plain : { ...plain, lead: model.lead, equals: model.equals };
}

function rootOf(element: XmlElement): XmlElement {
  return element.parent === undefined ? element : rootOf(element.parent);
}

function depthOf(element: XmlElement): number {
  return element.parent === undefined ? 1 : 1 + depthOf(element.parent);
}

function heightOf(element: XmlElement): number {
  return 1 + Math.max(0, ...element.elements.map((child) => heightOf(child)));
}

function checkDepth(depth: number, name: string): void {
  if (depth <= ELEMENT_DEPTH_MAX) return;
  throw berthError('BERTH_TOO_LARGE', {
    what: `the nesting of elements below <${name}>`,
    size: depth,
    max: ELEMENT_DEPTH_MAX,
  });
}
