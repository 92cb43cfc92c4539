import { writeXml, type XmlDocument, type XmlElement } from '../../src/xml/index.ts';

/** A piece of a document's text: from the first byte of it to the one behind the last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where an element starts in the document's text, counted from the pieces before it. */
export function offsetOf(document: XmlDocument, element: XmlElement): number {
  const { parent } = element;
  const siblings = parent?.children ?? document.nodes;
  const before = siblings
    .slice(0, siblings.indexOf(element))
    .map((node) => (node.kind === 'element' ? writeXml(node) : node.raw));
  const outer = parent === undefined ? 0 : offsetOf(document, parent) + startTagOf(parent).length;
  return outer + before.join('').length;
}

/** Where an attribute's value stands, its quotes not included. */
export function attributeSpan(document: XmlDocument, element: XmlElement, name: string): Span {
  const index = element.attributes.findIndex((attribute) => attribute.name === name);
  const before = element.attributes
    .slice(0, index)
    .map(({ lead, name: other, equals, raw }) => `${lead}${other}${equals}"${raw}"`);
  const { lead = '', equals = '', raw = '' } = element.attributes[index] ?? {};
  const start =
    offsetOf(document, element) +
    `<${element.name}${before.join('')}${lead}${name}${equals}"`.length;
  return { start, end: start + raw.length };
}

/** Where what is inside an element stands; of one without an end tag, the whole of it. */
export function contentSpan(document: XmlDocument, element: XmlElement): Span {
  const start = offsetOf(document, element);
  const end = start + writeXml(element).length;
  if (element.spelling.selfClosing) return { start, end };
  const endTag = `</${element.name}${element.spelling.endTail}>`;
  return { start: start + startTagOf(element).length, end: end - endTag.length };
}

/** An element and all below it. */
export function allOf(element: XmlElement): readonly XmlElement[] {
  return [element, ...element.elements.flatMap(allOf)];
}

function startTagOf(element: XmlElement): string {
  const attributes = element.attributes.map(
    ({ lead, name, equals, quote, raw }) => lead + name + equals + quote + raw + quote,
  );
  return `<${element.name}${attributes.join('')}${element.spelling.startTail}>`;
}
