import type { XmlElement } from './element.ts';
import type { Quote } from './spelling.ts';

/** Character data as it is spelled (`raw`) and as it is meant (`value`: references resolved). */
export interface XmlText {
  readonly kind: 'text' | 'cdata';
  readonly raw: string;
  readonly value: string;
}

/** Everything that carries no content: kept as it is spelled, never interpreted. */
export interface XmlMarkup {
  readonly kind: 'comment' | 'instruction' | 'doctype' | 'declaration';
  readonly raw: string;
}

/** One piece of a document. The pieces' spellings, one after another, are the document. */
export type XmlNode = XmlElement | XmlText | XmlMarkup;

/**
 * An attribute as it is spelled. `lead` (the white space before it), `name`, `equals` (the sign with
 * the white space around it), `quote`, `raw` and `quote` again, one after another, are its bytes.
 */
export interface XmlAttribute {
  readonly lead: string;
  readonly name: string;
  readonly equals: string;
  readonly quote: Quote;
  readonly raw: string;
  /** The value as it is meant: references resolved, white space normalised. */
  readonly value: string;
}

/** The elements among some nodes, in order. */
export function elementsOf(nodes: readonly XmlNode[]): readonly XmlElement[] {
  return nodes.filter((node) => node.kind === 'element');
}
