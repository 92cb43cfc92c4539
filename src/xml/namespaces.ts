import { berthError } from '../base/errors.ts';
import type { XmlElement } from './element.ts';
import { localOf, prefixOf } from './spelling.ts';

/** The namespace that the prefix `xml` always names. */
export const XML_NAMESPACE = 'http://www.w3.org/XML/1998/namespace';

/** The namespace of namespace declarations themselves. */
export const XMLNS_NAMESPACE = 'http://www.w3.org/2000/xmlns/';

/** Prefix to namespace; the empty prefix is the default namespace of elements. */
export type Scope = ReadonlyMap<string, string>;

/** The declarations in force inside an element, its own included. */
export function scopeOf(element: XmlElement | undefined): Scope {
  const scope = new Map([['xml', XML_NAMESPACE]]);
  const around: XmlElement[] = [];
  for (let at = element; at !== undefined; at = at.parent) around.push(at);
  for (const at of around.toReversed()) {
    for (const [prefix, namespace] of declarationsOf(at)) scope.set(prefix, namespace);
  }
  return scope;
}

/** The namespace that a prefix names at an element; undefined when nothing declares it. */
export function namespaceAt(element: XmlElement, prefix: string): string | undefined {
  if (prefix === 'xml') return XML_NAMESPACE;
  const attribute = prefix === '' ? 'xmlns' : `xmlns:${prefix}`;
  for (let at: XmlElement | undefined = element; at !== undefined; at = at.parent) {
    const declared = at.attribute(attribute);
    if (declared !== undefined) return declared;
  }
  return undefined;
}

/**
 * Checks that an element could stand in a scope: each prefix in and below it is declared, no
 * declaration touches what is reserved, and no element has one attribute under two prefixes.
 * @throws BERTH_SPEC_INVALID naming the first name that could not.
 */
export function checkNamespaces(element: XmlElement, outer: Scope): void {
  const scope = scopeInside(element, outer);
  const names = element.attributes.map((attribute) => attribute.name);
  for (const { name, value } of element.attributes) checkDeclaration(element, name, value);
  for (const name of [element.name, ...names]) {
    const prefix = prefixOf(name);
    const isDeclaration = prefix === 'xmlns' && name !== element.name;
    if (prefix !== '' && !isDeclaration && !scope.has(prefix)) {
      refuse(element, `the prefix of "${name}" is not declared`, `xmlns:${prefix} on an element`);
    }
  }
  const expanded = names.filter((name) => prefixOf(name) !== '').map((name) => expand(name, scope));
  if (new Set(expanded).size < expanded.length) {
    refuse(element, 'two attributes have the same name in the same namespace', 'one of them');
  }
  for (const child of element.elements) checkNamespaces(child, scope);
}

function scopeInside(element: XmlElement, outer: Scope): Scope {
  const own = declarationsOf(element);
  return own.length === 0 ? outer : new Map([...outer, ...own]);
}

/** Prefixes and namespaces that an element's own attributes declare. */
function declarationsOf({ attributes }: XmlElement): readonly (readonly [string, string])[] {
  return attributes.flatMap(({ name, value }): [string, string][] => {
    if (name === 'xmlns') return [['', value]];
    return prefixOf(name) === 'xmlns' ? [[localOf(name), value]] : [];
  });
}

function expand(name: string, scope: Scope): string {
  return `{${scope.get(prefixOf(name)) ?? ''}}${localOf(name)}`;
}

function checkDeclaration(element: XmlElement, name: string, uri: string): void {
  const isDefault = name === 'xmlns';
  if (!isDefault && prefixOf(name) !== 'xmlns') return;
  const prefix = isDefault ? '' : localOf(name);
  const reserved = uri.trim() === XMLNS_NAMESPACE || prefix === 'xmlns';
  if (reserved || (uri.trim() === XML_NAMESPACE) !== (prefix === 'xml')) {
    refuse(
      element,
      `${name}="${uri}" declares what XML reserves`,
      'a prefix and namespace of your own',
    );
  }
  if (!isDefault && uri.trim() === '') {
    refuse(
      element,
      `${name} names no namespace`,
      'a namespace such as https://berth.dev/xmlns/vm/1',
    );
  }
}

function refuse(element: XmlElement, problem: string, expected: string): never {
  throw berthError('BERTH_SPEC_INVALID', { where: `<${element.name}>`, problem, expected });
}
