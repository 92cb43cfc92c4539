import { writeXml } from '../xml/index.ts';
import type { XmlDocument, XmlElement } from '../xml/index.ts';

/** How often a document is tried without a piece of it before the search gives up. */
const TRIES_MAX = 400;

/** The longest document that pieces are searched for in; each try reads it anew. */
const SEARCHED_CHARS_MAX = 200_000;

/** A piece of a document that breaks the schema: an element, or one attribute of it. */
export interface SchemaBlame {
  readonly element: XmlElement;
  readonly attribute: string | undefined;
}

/**
 * The smallest piece without which a document would be valid. libxml2 says of an element deep inside
 * that something far above it is wrong; this finds the one that a person would want to be shown.
 * @param isValid asks the schema about a text.
 * @returns undefined where no single piece is to blame: something is missing, or two are wrong.
 */
export function blameFor(
  document: XmlDocument,
  isValid: (text: string) => boolean,
): SchemaBlame | undefined {
  const { root } = document;
  const text = writeXml(document);
  if (text.length > SEARCHED_CHARS_MAX || isValid(text)) return undefined;
  const withRoot = (copy: XmlElement): string =>
    document.nodes.map((node) => (node.kind === 'element' ? writeXml(copy) : node.raw)).join('');
  // What the copy alone would mend is the fault of no piece.
  if (isValid(withRoot(root.clone()))) return undefined;
  let tries = 0;
  const isValidWithout = (path: Path, take: (piece: XmlElement) => void): boolean => {
    if (++tries > TRIES_MAX) return false;
    const copy = root.clone();
    take(at(copy, path));
    return isValid(withRoot(copy));
  };
  let path: Path = [];
  for (;;) {
    const count = at(root, path).elements.length;
    const inside = Array.from({ length: count }, (_, index) => [...path, index]);
    const guilty = inside.find((one) => isValidWithout(one, (piece) => piece.remove()));
    if (guilty === undefined) break;
    path = guilty;
  }
  for (const inside of below(at(root, path), path)) {
    const element = at(root, inside);
    const attribute = element.attributes
      .filter(({ name }) => !name.startsWith('xmlns'))
      .find(({ name }) => isValidWithout(inside, (piece) => piece.removeAttribute(name)));
    if (attribute !== undefined) return { element, attribute: attribute.name };
  }
  return path.length === 0 ? undefined : { element: at(root, path), attribute: undefined };
}

/** The paths of an element and of all in it. */
function below(element: XmlElement, path: Path): readonly Path[] {
  return [path, ...element.elements.flatMap((child, index) => below(child, [...path, index]))];
}

/** Which child of which child; empty for the root. */
type Path = readonly number[];

function at(root: XmlElement, path: Path): XmlElement {
  return path.reduce((element, index) => element.elements[index] ?? element, root);
}
