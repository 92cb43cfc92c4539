import { berthError } from '../base/errors.ts';
import { parseXml, SourceText, XML_LENGTH_MAX } from '../xml/index.ts';
import type { XmlDocument } from '../xml/index.ts';
import { readInput } from './input-bytes.ts';
import type { Session } from './session.ts';

/** The most bytes that a document of XML_LENGTH_MAX can have: three for each unit of UTF-16. */
const XML_BYTES_MAX = 3 * XML_LENGTH_MAX;

/** Reads the bytes of an XML file, or of standard input for `-`; `parseXmlBytes` makes them XML. */
export async function readXmlBytes(path: string, session: Session): Promise<Uint8Array> {
  const usage = 'name an XML file, or - for standard input';
  return readInput(path, { bytesMax: XML_BYTES_MAX, usage }, session);
}

/**
 * Reads a document from its bytes. They must be UTF-8, with or without a mark, as libvirt writes:
 * what is in another encoding could not be written back as it was.
 * @throws BERTH_XML_INVALID with line and column, BERTH_TOO_LARGE.
 */
export function parseXmlBytes(bytes: Uint8Array, where: string): XmlDocument {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const source = new SourceText(text, where);
  const refuse = (problem: string, offset: number): never => {
    throw berthError('BERTH_XML_INVALID', { problem, ...source.locate(offset) });
  };
  const wide = wideEncoding(bytes);
  if (wide !== undefined) refuse(`it is ${wide}, and only UTF-8 is read`, 0);
  const damaged = firstDamage(text, bytes);
  if (damaged !== undefined) refuse('these bytes are no UTF-8', damaged);
  const declared = DECLARED_ENCODING.exec(text);
  const [, before = '', name = ''] = declared ?? [];
  // What is all ASCII is UTF-8 as well.
  const isAscii = /^(?:us-)?ascii$/i.test(name) && bytes.every((byte) => byte < 0x80);
  if (declared !== null && !/^utf-?8$/i.test(name) && !isAscii) {
    refuse(`it declares the encoding ${name}, and only UTF-8 is read`, before.length);
  }
  return parseXml(text, where);
}

const DECLARED_ENCODING = /^(\uFEFF?<\?xml\s[^>]*?\sencoding\s*=\s*["'])([^"'>]*)["']/;

/** What libxml2 would take a document for by its first bytes; undefined where they tell nothing. */
function wideEncoding(bytes: Uint8Array): 'UTF-16' | 'UTF-32' | undefined {
  const [a = 1, b = 1, c = 1, d = 1] = bytes;
  if (a === 0 && b === 0 && ((c === 0 && d === 0x3c) || (c === 0xfe && d === 0xff)))
    return 'UTF-32';
  if (c === 0 && d === 0 && ((a === 0x3c && b === 0) || (a === 0xff && b === 0xfe)))
    return 'UTF-32';
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) return 'UTF-16';
  return (a === 0x3c && b === 0) || (a === 0 && b === 0x3c) ? 'UTF-16' : undefined;
}

/**
 * Where the text that was decoded has a replacement character that its bytes have not: an index into
 * the text; undefined when there is none.
 */
function firstDamage(text: string, bytes: Uint8Array): number | undefined {
  let before = 0;
  let offset = 0;
  for (const { index } of text.matchAll(/\uFFFD/g)) {
    offset += Buffer.byteLength(text.slice(before, index));
    before = index;
    const [a, b, c] = bytes.subarray(offset, offset + 3);
    if (a !== 0xef || b !== 0xbf || c !== 0xbd) return index;
  }
  return undefined;
}
