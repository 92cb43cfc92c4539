import type { XmlDocument } from './document.ts';
import type { XmlElement } from './element.ts';
import type { XmlAttribute, XmlNode } from './node.ts';

/**
 * Writes a document, or one element with what it holds. What was not edited comes out byte for byte
 * as it was read.
 */
export function writeXml(source: XmlDocument | XmlElement): string {
  return source.kind === 'document'
    ? source.nodes.map((node) => writeNode(node)).join('')
    : writeElement(source);
}

function writeNode(node: XmlNode): string {
  return node.kind === 'element' ? writeElement(node) : node.raw;
}

// Recursion is safe: no element sits deeper than ELEMENT_DEPTH_MAX.
function writeElement(element: XmlElement): string {
  const { name, spelling, children } = element;
  const attributes = element.attributes.map((attribute) => writeAttribute(attribute)).join('');
  const start = `<${name}${attributes}${spelling.startTail}`;
  if (spelling.selfClosing && children.length === 0) return `${start}/>`;
  const content = children.map((node) => writeNode(node)).join('');
  return `${start}>${content}</${name}${spelling.endTail}>`;
}

function writeAttribute({ lead, name, equals, quote, raw }: XmlAttribute): string {
  return `${lead}${name}${equals}${quote}${raw}${quote}`;
}
