import { SaxesParser, type SaxesTagNS } from 'saxes';
import { berthError } from '../base/errors.ts';
import { present } from '../base/assert.ts';
import { XmlDocument } from './document.ts';
import { ELEMENT_DEPTH_MAX, XmlElement } from './element.ts';
import type { XmlAttribute, XmlMarkup, XmlNode } from './node.ts';
import { SourceText } from './source-text.ts';
import { isQualifiedName, NAME_PATTERN, type Quote } from './spelling.ts';

/** The longest document that is read, in UTF-16 units; four times what a libvirt string can hold. */
export const XML_LENGTH_MAX = 16 * 1024 * 1024;

/**
 * Reads a document into a tree that can be written back byte for byte. Entities beyond XML's own
 * five are refused, so no document can expand; a DOCTYPE is kept but means nothing.
 * @param where what people know the text by: a file name, or "the XML of web1".
 * @throws BERTH_XML_INVALID with line and column, BERTH_TOO_LARGE beyond XML_LENGTH_MAX.
 */
export function parseXml(text: string, where: string): XmlDocument {
  if (text.length > XML_LENGTH_MAX) {
    throw berthError('BERTH_TOO_LARGE', {
      what: `the length in characters of ${where}`,
      size: text.length,
      max: XML_LENGTH_MAX,
    });
  }
  return new TreeBuilder(new SourceText(text, where)).build();
}

/** An element whose end tag has not come yet. */
interface OpenElement {
  readonly name: string;
  readonly offset: number;
  readonly attributes: XmlAttribute[];
  readonly children: XmlNode[];
  startTail: string;
}

/**
 * Cuts the text along saxes' events. saxes says what is well-formed, where each piece ends and what
 * it means; the bytes themselves always come from the text, since saxes normalises line ends. Each
 * piece starts with the first `<` behind the one before, as text cannot hold that character.
 */
class TreeBuilder {
  readonly #source: SourceText;
  readonly #parser = new SaxesParser({
    xmlns: true,
    // libvirt's parser reads every document by the rules of 1.0, whatever it declares.
    defaultXMLVersion: '1.0',
    forceXMLVersion: true,
  });
  readonly #nodes: XmlNode[] = [];
  readonly #open: OpenElement[] = [];
  /** Up to where the text has become nodes. */
  #cursor = 0;
  #textValue = '';
  /** True from the name of a start tag to its end. */
  #inStartTag = false;
  #root: XmlElement | undefined;

  constructor(source: SourceText) {
    this.#source = source;
    this.#listen();
  }

  build(): XmlDocument {
    const { text } = this.#source;
    this.#refuseLoneSurrogate();
    this.#parser.write(text);
    const open = this.#open.at(-1);
    if (open !== undefined) {
      this.#refuseReference();
      this.#fail(`the document ends inside <${open.name}>, ${this.#openedAt(open)}`, text.length);
    }
    this.#parser.close();
    this.#takeText(text.length);
    return new XmlDocument(this.#nodes, present(this.#root, 'a root'));
  }

  #listen(): void {
    const parser = this.#parser;
    parser.on('error', (error) => this.#refuse(plainMessage(error)));
    parser.on('text', (value) => (this.#textValue = value));
    parser.on('xmldecl', () => this.#takeMarkup('declaration', parser.position));
    parser.on('doctype', (body) => this.#takeDoctype(body));
    parser.on('processinginstruction', ({ target }) => this.#takeInstruction(target));
    // A comment is told of at its second closing hyphen.
    parser.on('comment', () => this.#takeMarkup('comment', parser.position + 1));
    parser.on('cdata', (value) => this.#takeCdata(value));
    parser.on('opentagstart', ({ name }) => this.#openElement(name));
    parser.on('attribute', ({ name, value }) => this.#takeAttribute(name, value));
    parser.on('opentag', (tag) => this.#endStartTag(tag));
    parser.on('closetag', (tag) => this.#closeElement(tag));
  }

  #openElement(name: string): void {
    const start = this.#startOfMarkup();
    if (this.#root !== undefined && this.#open.length === 0) {
      this.#fail('documents may contain only one root', start);
    }
    if (this.#open.length === ELEMENT_DEPTH_MAX) {
      this.#fail(`elements nest more than ${ELEMENT_DEPTH_MAX} deep`, start);
    }
    this.#checkName(name, start + 1);
    this.#open.push({ name, offset: start, attributes: [], children: [], startTail: '' });
    this.#cursor = start + 1 + name.length;
    this.#inStartTag = true;
  }

  #takeAttribute(name: string, value: string): void {
    const spelled = this.#take(this.#parser.position);
    const match = present(ATTRIBUTE_SPELLING.exec(spelled), 'the spelling of an attribute');
    const [lead = '', equals = '', quote = '', raw = ''] = match.slice(1);
    this.#checkName(name, this.#parser.position - spelled.length + lead.length);
    // The expression admits only the two quotes.
    this.#current().attributes.push({ lead, name, equals, quote: quote as Quote, raw, value });
  }

  /** saxes does not look at how the part behind a prefix begins. */
  #checkName(name: string, offset: number): void {
    if (!isQualifiedName(name)) this.#fail(`"${name}" is no name`, offset);
  }

  #endStartTag(tag: SaxesTagNS): void {
    const tail = this.#take(this.#parser.position);
    this.#inStartTag = false;
    this.#current().startTail = tail.slice(0, tag.isSelfClosing ? -2 : -1);
  }

  #closeElement(tag: SaxesTagNS): void {
    const endTail = tag.isSelfClosing ? '' : this.#takeEndTag();
    const { name, offset, attributes, children, startTail } = this.#current();
    this.#open.pop();
    const isRoot = this.#open.length === 0;
    const element = new XmlElement({
      name,
      attributes,
      children,
      isRoot,
      spelling: { startTail, endTail, selfClosing: tag.isSelfClosing },
      origin: { source: this.#source, offset },
    });
    this.#add(element);
    if (isRoot) this.#root = element;
  }

  #takeEndTag(): string {
    const start = this.#startOfMarkup();
    const spelled = this.#take(this.#parser.position);
    const open = this.#current();
    const name = spelled.slice(2, -1).replace(/[ \t\r\n]+$/, '');
    if (name !== open.name) {
      this.#fail(`</${name}> cannot close <${open.name}>, ${this.#openedAt(open)}`, start);
    }
    return spelled.slice(2 + name.length, -1);
  }

  #takeMarkup(kind: XmlMarkup['kind'], end: number): void {
    this.#startOfMarkup();
    this.#add({ kind, raw: this.#take(end) });
  }

  /** saxes only looks for the end of a DOCTYPE. */
  #takeDoctype(body: string): void {
    const start = this.#startOfMarkup();
    if (!DOCTYPE_START.test(body)) {
      this.#fail('the DOCTYPE names no root element', start);
    }
    this.#takeMarkup('doctype', this.#parser.position);
  }

  /** saxes lets a question mark end the target of an instruction. */
  #takeInstruction(target: string): void {
    const start = this.#startOfMarkup();
    const behind = this.#source.text.slice(start + 2 + target.length, this.#parser.position);
    if (!/^(?:[ \t\r\n]|\?>$)/.test(behind)) {
      this.#fail(`the instruction ${target} is followed by no white space`, start);
    }
    this.#takeMarkup('instruction', this.#parser.position);
  }

  #takeCdata(value: string): void {
    this.#startOfMarkup();
    this.#add({ kind: 'cdata', raw: this.#take(this.#parser.position), value });
  }

  /** Where the markup that follows the cursor starts; the text before it becomes a node. */
  #startOfMarkup(): number {
    this.#takeText(this.#source.text.indexOf('<', this.#cursor));
    return this.#cursor;
  }

  #takeText(end: number): void {
    const value = this.#textValue;
    this.#textValue = '';
    if (end > this.#cursor) this.#add({ kind: 'text', raw: this.#take(end), value });
  }

  #take(end: number): string {
    const taken = this.#source.text.slice(this.#cursor, end);
    this.#cursor = end;
    return taken;
  }

  #add(node: XmlNode): void {
    (this.#open.at(-1)?.children ?? this.#nodes).push(node);
  }

  #current(): OpenElement {
    return present(this.#open.at(-1), 'an open element');
  }

  /** saxes takes the half of a pair for a whole one and skips the character behind it. */
  #refuseLoneSurrogate(): void {
    const { text } = this.#source;
    if (text.isWellFormed()) return;
    this.#fail('half of a surrogate pair stands alone', /\p{Surrogate}/u.exec(text)?.index ?? 0);
  }

  /** saxes tells of a mistake where it notices it; a person wants to see where it begins. */
  #refuse(problem: string): never {
    if (problem.includes('entity')) this.#refuseReference();
    const start = this.#source.text.indexOf('<', this.#cursor);
    if (AT_MARKUP.has(problem) && start !== -1) this.#fail(problem, start);
    const second = this.#cursor === 0 && this.#source.text.startsWith('\uFEFF\uFEFF');
    if (second) this.#fail('a second byte order mark stands before the document', 1);
    this.#fail(problem, this.#parser.position - 1);
  }

  /** Refuses the first reference that is none, where text or an attribute is being read. */
  #refuseReference(): void {
    const { text } = this.#source;
    const end = this.#inStartTag ? -1 : text.indexOf('<', this.#cursor);
    const piece = text.slice(this.#cursor, end === -1 ? text.length : end);
    for (const { index } of piece.matchAll(/&/g)) {
      const problem = referenceProblem(piece.slice(index, index + REFERENCE_LENGTH_MAX));
      if (problem !== undefined) this.#fail(problem, this.#cursor + index);
    }
  }

  #openedAt(open: OpenElement): string {
    const { line, column } = this.#source.locate(open.offset);
    return `opened at ${line}:${column}`;
  }

  #fail(problem: string, offset: number): never {
    const place = this.#source.locate(Math.max(0, offset));
    throw berthError('BERTH_XML_INVALID', { problem, ...place });
  }
}

// White space is spelled out: what else \s stands for may be part of a name, U+FEFF for one.
const ATTRIBUTE_SPELLING = /^([ \t\r\n]+)[^ \t\r\n=]+([ \t\r\n]*=[ \t\r\n]*)(["'])([^]*)\3$/;

const DOCTYPE_START = /^[ \t\r\n]+[^ \t\r\n[\]'"<>]+[ \t\r\n]*(?:$|\[|(?:PUBLIC|SYSTEM)[ \t\r\n])/;

/** What saxes says of whole pieces of markup, behind their start. */
const AT_MARKUP: ReadonlySet<string> = new Set([
  'an XML declaration must be at the start of the document',
  'the XML declaration must appear at the start of the document',
  'inappropriately located doctype declaration',
]);

/** The longest reference that is looked at to say what is wrong with it. */
const REFERENCE_LENGTH_MAX = 200;

/** What is wrong with a reference at the start of a text; undefined when nothing is. */
function referenceProblem(text: string): string | undefined {
  const [reference, number, name = ''] = REFERENCE.exec(text) ?? [];
  if (reference === undefined) return '"&" begins no reference: for the character write &amp;';
  if (number === undefined) {
    return XML_ENTITIES.has(name)
      ? undefined
      : `${reference} is no entity of XML: those that a document defines are not expanded`;
  }
  const code = Number(number.replace(/^x/, '0x'));
  const isCharacter = code <= 0x10ffff && CHARACTER.test(String.fromCodePoint(code));
  return isCharacter ? undefined : `${reference} stands for no character of XML`;
}

const REFERENCE = new RegExp(
  `^&(?:#([0-9]+|x[0-9a-fA-F]+)|(${NAME_PATTERN}(?::${NAME_PATTERN})?));`,
  'u',
);
const CHARACTER = /^[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]$/u;
const XML_ENTITIES: ReadonlySet<string> = new Set(['amp', 'lt', 'gt', 'apos', 'quot']);

/** saxes puts its own line and column in front, which count from other ends. */
function plainMessage(error: Error): string {
  return error.message.replace(/^\d+:\d+: /, '').replace(/\.$/, '');
}
