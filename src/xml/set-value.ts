import { berthError } from '../base/errors.ts';
import type { XmlDocument } from './document.ts';
import type { XmlElement } from './element.ts';
import { selectXml, type XmlSelection } from './select.ts';

/** What `setXmlValue` may do besides changing what is there. */
export interface SetOptions {
  /** Adds the attribute where the expression ends in one that its element does not have. */
  readonly add?: boolean;
}

/**
 * Gives the one element or attribute that an expression matches another text or value; all other
 * bytes of the document stay. An attribute that is missing is refused unless it may be added; a
 * declaration of a namespace never is.
 * @throws BERTH_XPATH when the expression is not of the subset (see `parseXPath`), matches nothing or
 * several places, or an element that holds others; BERTH_SPEC_INVALID for a value that XML cannot
 * carry.
 */
export function setXmlValue(
  document: XmlDocument,
  expression: string,
  value: string,
  options: SetOptions = {},
): void {
  if (DECLARATION.test(expression)) throw declaration(expression);
  const found = selectXml(document, expression);
  const [only] = found;
  if (found.length > 1) throw several(expression, found);
  if (only !== undefined) return setSelected(only, expression, value);
  const missing = missingAttribute(document, expression);
  if (missing === undefined) throw nothing(expression, expectedIn(document, expression));
  if (options.add !== true) throw nothing(expression, MISSING_EXPECTED);
  missing.element.setAttribute(missing.name, value);
}

/** An expression that ends in `@xmlns` or `@xmlns:qemu`. */
const DECLARATION = /@\s*xmlns(?::[^\s/@*[\]()'"=]+)?\s*$/;

const NOTHING_EXPECTED = 'an expression that matches one element or attribute of the document';
const MISSING_EXPECTED = 'an attribute that is there, or leave to add it (--add)';

/** A name without a prefix is of no namespace: hints at the first element of such a name that is. */
function expectedIn({ root }: XmlDocument, expression: string): string {
  const names = new Set(expression.split(/[^\p{L}\p{N}_.:-]+/u));
  const found = inDefaultNamespace(root, names);
  if (found === undefined) return NOTHING_EXPECTED;
  const step = `*[local-name()='${found.name}']`;
  return `${step} in place of ${found.name}, which is in the namespace ${found.namespace}`;
}

function inDefaultNamespace(
  element: XmlElement,
  names: ReadonlySet<string>,
): XmlElement | undefined {
  if (names.has(element.name) && !element.name.includes(':') && element.namespace !== undefined) {
    return element;
  }
  for (const child of element.elements) {
    const found = inDefaultNamespace(child, names);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** How many places are named when several match. */
const PLACES_SHOWN = 5;

function setSelected(
  { element, attribute }: XmlSelection,
  expression: string,
  value: string,
): void {
  if (attribute !== undefined) element.setAttribute(attribute, value);
  else if (element.elements.length === 0) element.setText(value);
  else {
    throw berthError('BERTH_XPATH', {
      expression,
      why: 'not text',
      problem: `<${element.name}> holds other elements, so it has no text to set`,
      expected: 'an element without others inside, or an attribute of it (…/@name)',
    });
  }
}

/** The one element that an expression ending in an attribute's name leads to, when it lacks that. */
function missingAttribute(
  document: XmlDocument,
  expression: string,
): { readonly element: XmlSelection['element']; readonly name: string } | undefined {
  const [, path, name = ''] = /^(.*[^/\s])\s*\/\s*@([^\s/@*[\]()'"=]+)\s*$/s.exec(expression) ?? [];
  if (path === undefined) return undefined;
  const [only, ...others] = selectXml(document, path);
  return only?.kind === 'element' && others.length === 0
    ? { element: only.element, name }
    : undefined;
}

function nothing(expression: string, expected: string): Error {
  return berthError('BERTH_XPATH', {
    expression,
    why: 'nothing',
    problem: 'it matches nothing in the document',
    expected,
  });
}

/** A namespace is no attribute to XPath, and adding one would change what the names below it mean. */
function declaration(expression: string): Error {
  return berthError('BERTH_XPATH', {
    expression,
    why: 'nothing',
    problem: 'xmlns declares a namespace and is no attribute',
    expected: NOTHING_EXPECTED,
  });
}

function several(expression: string, found: readonly XmlSelection[]): Error {
  const places = found
    .slice(0, PLACES_SHOWN)
    .map(({ element: { place } }) => (place === undefined ? '?' : `${place.line}:${place.column}`));
  const rest = found.length > places.length ? ', …' : '';
  return berthError('BERTH_XPATH', {
    expression,
    why: 'several',
    problem: `it matches ${found.length} places (line:column ${places.join(', ')}${rest})`,
    expected: 'one place: add a predicate such as [1] or [@name="…"]',
  });
}
