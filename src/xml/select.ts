import { berthError } from '../base/errors.ts';
import type { XmlDocument } from './document.ts';
import type { XmlElement } from './element.ts';
import { namespaceAt, XML_NAMESPACE } from './namespaces.ts';
import { localOf, prefixOf } from './spelling.ts';
import {
  parseXPath,
  type XPathComparison,
  type XPathPath,
  type XPathStep,
  type XPathTest,
  type XPathValue,
} from './xpath.ts';

/** The most nodes that one expression looks at, over all its steps and predicates. */
export const SELECT_NODES_MAX = 10_000_000;

/** A place that an expression matches. */
export interface XmlSelection {
  /** The element itself, one of its attributes, or the character data directly inside it. */
  readonly kind: 'element' | 'attribute' | 'text';
  readonly element: XmlElement;
  /** The attribute's name as written; undefined for the other kinds. */
  readonly attribute: string | undefined;
}

/**
 * Everything that an expression matches, each once, in document order. The subset of XPath 1.0 is
 * what `parseXPath` says; prefixes mean what the document declares them to be, and a name without
 * one is of no namespace, as libvirt's own elements are. The character data of an element counts as
 * one text, comments and CDATA sections in it notwithstanding.
 * @throws BERTH_XPATH for what is no expression of the subset, BERTH_TOO_LARGE beyond
 * SELECT_NODES_MAX.
 */
export function selectXml(document: XmlDocument, expression: string): readonly XmlSelection[] {
  const path = parseXPath(expression);
  const selector = new Selector(document.root, expression);
  return selector.inOrder(selector.path(path, [ROOT])).flatMap((node) => selectionOf(node));
}

function selectionOf(node: PathNode): readonly XmlSelection[] {
  if (node.kind === 'root') return [];
  if (node.kind === 'element') return [{ kind: node.kind, element: node, attribute: undefined }];
  const attribute = node.kind === 'attribute' ? node.name : undefined;
  return [{ kind: node.kind, element: node.element, attribute }];
}

/** What XPath calls the root: the document around its root element. */
const ROOT = { kind: 'root' } as const;

interface AttributeNode {
  readonly kind: 'attribute';
  readonly element: XmlElement;
  readonly name: string;
}

interface TextNode {
  readonly kind: 'text';
  readonly element: XmlElement;
}

type PathNode = typeof ROOT | XmlElement | AttributeNode | TextNode;
type Result = boolean | number | string | readonly PathNode[];

/** Where a predicate is asked: the node, and its place among those that the step found. */
interface Context {
  readonly node: PathNode;
  readonly position: number;
  readonly size: number;
}

class Selector {
  readonly #root: XmlElement;
  readonly #expression: string;
  #looked = 0;
  #order: ReadonlyMap<XmlElement, number> | undefined;
  #namespaces: ReadonlyMap<string, ReadonlySet<string>> | undefined;

  constructor(root: XmlElement, expression: string) {
    this.#root = root;
    this.#expression = expression;
  }

  path({ from, filters, steps }: XPathPath, here: readonly PathNode[]): readonly PathNode[] {
    let nodes = typeof from === 'object' ? this.inOrder(this.path(from, here)) : here;
    if (from === 'root') nodes = [ROOT];
    for (const filter of filters) nodes = this.#kept(nodes, filter);
    for (const step of steps) nodes = this.#step(step, nodes);
    return nodes;
  }

  /** The nodes as they stand in the document: an element before its attributes and its text. */
  inOrder(nodes: readonly PathNode[]): readonly PathNode[] {
    if (nodes.length < 2) return nodes;
    this.#order ??= new Map(this.#descendants(this.#root).map((at, index) => [at, index]));
    const order = this.#order;
    const rank = (node: PathNode): number => (node.kind === 'root' ? -1 : this.#rank(node, order));
    return nodes.toSorted((a, b) => rank(a) - rank(b));
  }

  /** An element's place, and behind the point that of its attribute; its text comes last. */
  #rank(node: Exclude<PathNode, typeof ROOT>, order: ReadonlyMap<XmlElement, number>): number {
    if (node.kind === 'element') return order.get(node) ?? 0;
    const { attributes } = node.element;
    const index =
      node.kind === 'text'
        ? attributes.length
        : attributes.findIndex(({ name }) => name === node.name);
    return (order.get(node.element) ?? 0) + (index + 1) / (attributes.length + 2);
  }

  #step(step: XPathStep, nodes: readonly PathNode[]): readonly PathNode[] {
    // A prefix that nothing declares is refused even where nothing is left to look at.
    if (step.test.kind === 'name') this.#namespace(step.test.prefix);
    const found = nodes.flatMap((node) => {
      let passed = this.#along(step.axis, node, step.test);
      this.#count(passed.length + 1);
      passed = passed.filter((one) => this.#passes(one, step.test));
      for (const predicate of step.predicates) passed = this.#kept(passed, predicate);
      return passed;
    });
    return nodes.length < 2 ? found : once(found);
  }

  #along(axis: XPathStep['axis'], node: PathNode, test: XPathTest): readonly PathNode[] {
    switch (axis) {
      case 'self':
        return [node];
      case 'parent':
        return this.#parentOf(node);
      case 'attribute':
        return node.kind === 'element' ? attributesOf(node) : [];
      case 'descendant-or-self':
        if (node.kind === 'root') return [ROOT, ...this.#descendants(this.#root)];
        return node.kind === 'element' ? this.#descendants(node) : [node];
      case 'child':
        return this.#children(node, test);
    }
  }

  #parentOf(node: PathNode): readonly PathNode[] {
    if (node.kind === 'root') return [];
    if (node.kind !== 'element') return [node.element];
    return [node.parent ?? ROOT];
  }

  #children(node: PathNode, test: XPathTest): readonly PathNode[] {
    if (node.kind === 'root') return [this.#root];
    if (node.kind !== 'element') return [];
    if (test.kind !== 'text') return node.elements;
    return node.text === '' ? [] : [{ kind: 'text', element: node }];
  }

  /** An element and all below it, in document order. */
  #descendants(element: XmlElement): readonly XmlElement[] {
    const found: XmlElement[] = [];
    const collect = (at: XmlElement): void => {
      found.push(at);
      for (const child of at.elements) collect(child);
    };
    collect(element);
    this.#count(found.length);
    return found;
  }

  #passes(node: PathNode, test: XPathTest): boolean {
    if (test.kind === 'node') return true;
    if (node.kind === 'root' || node.kind === 'text') return node.kind === test.kind;
    if (test.kind !== 'name') return test.kind === 'any';
    if (localOf(node.name) !== test.local) return false;
    return namespaceOf(node) === this.#namespace(test.prefix);
  }

  /** The one namespace that a prefix names in the document; none for no prefix. */
  #namespace(prefix: string): string {
    if (prefix === '') return '';
    if (prefix === 'xml') return XML_NAMESPACE;
    this.#namespaces ??= this.#declared();
    const named = [...(this.#namespaces.get(prefix) ?? [])];
    if (named.length === 1) return named[0] ?? '';
    throw berthError('BERTH_XPATH', {
      expression: this.#expression,
      why: named.length === 0 ? 'nothing' : 'several',
      problem:
        named.length === 0
          ? `the document declares no prefix "${prefix}"`
          : `the document declares the prefix "${prefix}" for several namespaces`,
      expected: `a prefix that the document declares once, or *[local-name()='…']`,
    });
  }

  #declared(): ReadonlyMap<string, ReadonlySet<string>> {
    const declared = new Map<string, Set<string>>();
    for (const { attributes } of this.#descendants(this.#root)) {
      for (const { name, value } of attributes) {
        if (prefixOf(name) !== 'xmlns') continue;
        const named = declared.get(localOf(name)) ?? new Set();
        declared.set(localOf(name), named.add(value));
      }
    }
    return declared;
  }

  #kept(nodes: readonly PathNode[], predicate: XPathValue): readonly PathNode[] {
    const size = nodes.length;
    return nodes.filter((node, index) => {
      const position = index + 1;
      const result = this.#value(predicate, { node, position, size });
      return typeof result === 'number' ? result === position : truth(result);
    });
  }

  #value(value: XPathValue, context: Context): Result {
    this.#count(1);
    switch (value.kind) {
      case 'text':
        return value.text;
      case 'number':
        return value.number;
      case 'path':
        return this.path(value.path, [context.node]);
      case 'and':
        return truth(this.#value(value.left, context)) && truth(this.#value(value.right, context));
      case 'or':
        return truth(this.#value(value.left, context)) || truth(this.#value(value.right, context));
      case 'compare':
        return this.#compare(
          value.by,
          this.#value(value.left, context),
          this.#value(value.right, context),
        );
      case 'call':
        return this.#call(value, context);
    }
  }

  #call({ name, given }: XPathValue & { kind: 'call' }, context: Context): Result {
    const [first = [context.node], second = ''] = given.map((one) => this.#value(one, context));
    switch (name) {
      case 'last':
        return context.size;
      case 'position':
        return context.position;
      case 'count':
        return this.#nodesOf(first, name).length;
      case 'not':
        return !truth(first);
      case 'contains':
        return this.#string(first).includes(this.#string(second));
      case 'starts-with':
        return this.#string(first).startsWith(this.#string(second));
      case 'normalize-space':
        return this.#string(first)
          .replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')
          .replace(/[ \t\r\n]+/g, ' ');
      case 'local-name':
        return localOf(nameOf(this.inOrder(this.#nodesOf(first, name))[0]));
      case 'name':
        return nameOf(this.inOrder(this.#nodesOf(first, name))[0]);
    }
  }

  /** XPath's comparison: of sets of nodes it asks whether any pair compares. */
  #compare(by: XPathComparison, left: Result, right: Result): boolean {
    const isEquality = by === '=' || by === '!=';
    if (typeof left === 'boolean' || typeof right === 'boolean') {
      const [one, other] = [truth(left), truth(right)];
      return isEquality
        ? (one === other) === (by === '=')
        : compareNumbers(by, Number(one), Number(other));
    }
    const asNumbers = !isEquality || typeof left === 'number' || typeof right === 'number';
    const others = this.#values(right);
    return this.#values(left).some((one) => {
      this.#count(others.length);
      return others.some((other) =>
        asNumbers
          ? compareNumbers(by, numberOf(one), numberOf(other))
          : (one === other) === (by === '='),
      );
    });
  }

  #values(result: Exclude<Result, boolean>): readonly (string | number)[] {
    return typeof result === 'object' ? result.map((node) => this.#text(node)) : [result];
  }

  #string(result: Result): string {
    if (typeof result !== 'object') return String(result);
    const first = this.inOrder(result)[0];
    return first === undefined ? '' : this.#text(first);
  }

  /** XPath's string value: of an element all text below it. */
  #text(node: PathNode): string {
    if (node.kind === 'root') return this.#text(this.#root);
    if (node.kind === 'attribute') return node.element.attribute(node.name) ?? '';
    if (node.kind === 'text') return node.element.text;
    this.#count(node.children.length);
    return node.children
      .map((child) => {
        if (child.kind === 'element') return this.#text(child);
        return child.kind === 'text' || child.kind === 'cdata' ? child.value : '';
      })
      .join('');
  }

  #nodesOf(result: Result, asked: string): readonly PathNode[] {
    if (typeof result === 'object') return result;
    throw berthError('BERTH_XPATH', {
      expression: this.#expression,
      why: 'subset',
      problem: `${asked}() takes a path`,
      expected: `for example ${asked}(disk)`,
    });
  }

  #count(looked: number): void {
    this.#looked += looked;
    if (this.#looked <= SELECT_NODES_MAX) return;
    const what = `the work for ${this.#expression}, in nodes looked at,`;
    throw berthError('BERTH_TOO_LARGE', { what, size: this.#looked, max: SELECT_NODES_MAX });
  }
}

/** Declarations of namespaces are no attributes to XPath. */
function attributesOf(element: XmlElement): readonly AttributeNode[] {
  return element.attributes.flatMap(({ name }) =>
    name === 'xmlns' || prefixOf(name) === 'xmlns' ? [] : [{ kind: 'attribute', element, name }],
  );
}

/** The namespace of an element or attribute; empty for none. */
function namespaceOf(node: XmlElement | AttributeNode): string {
  if (node.kind === 'element') return node.namespace ?? '';
  const prefix = prefixOf(node.name);
  return prefix === '' ? '' : (namespaceAt(node.element, prefix) ?? '');
}

function once(nodes: readonly PathNode[]): readonly PathNode[] {
  const seen = new Map<unknown, Set<string>>();
  return nodes.filter((node) => {
    const owner = 'element' in node ? node.element : node;
    const part = node.kind === 'attribute' ? `@${node.name}` : node.kind;
    const parts = seen.get(owner) ?? new Set();
    const isNew = !parts.has(part);
    seen.set(owner, parts.add(part));
    return isNew;
  });
}

function compareNumbers(by: XPathComparison, left: number, right: number): boolean {
  switch (by) {
    case '=':
      return left === right;
    case '!=':
      return left !== right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
  }
}

function numberOf(value: string | number): number {
  if (typeof value === 'number') return value;
  const text = value.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');
  return /^-?(?:\d+(?:\.\d*)?|\.\d+)$/.test(text) ? Number(text) : Number.NaN;
}

function truth(result: Result): boolean {
  return typeof result === 'object' ? result.length > 0 : Boolean(result);
}

function nameOf(node: PathNode | undefined): string {
  return node?.kind === 'element' || node?.kind === 'attribute' ? node.name : '';
}
