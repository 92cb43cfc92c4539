import { isBerthError } from '../base/errors.ts';
import type { BerthError } from '../base/errors.ts';
import { selectXml, writeXml } from '../xml/index.ts';
import type { XmlDocument, XmlElement } from '../xml/index.ts';
import type { LibvirtSchema, LibvirtSchemas, SchemaVerdict } from './libvirt-schemas.ts';
import { blameFor } from './schema-blame.ts';
import type { SchemaBlame } from './schema-blame.ts';
import { parseXmlBytes } from './xml-source.ts';

/** What `xml check` says of a file. */
export interface XmlCheck {
  /** As it was named; `-` for standard input. */
  readonly file: string;
  /** The name of the root element; null where there is none. */
  readonly root: string | null;
  /** True for a document that can be edited; null where the file could not be read. */
  readonly wellFormed: boolean | null;
  /** True when it is written back as the same bytes; null where the file could not be read. */
  readonly identical: boolean | null;
  /** By libvirt's schema; null where it was not asked. */
  readonly valid: boolean | null;
  /** Why the schema was not asked. */
  readonly notValidated?: string;
  readonly error?: XmlCheckError;
}

/** What is wrong, and where; of a file that cannot be read there is no place. */
export interface XmlCheckError {
  readonly code: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
}

/** The code that a document which breaks libvirt's schema is reported with. */
const SCHEMA_CODE = 'BERTH_SPEC_INVALID';

/** Checks one file, given how to read it; never throws for anything that is wrong with it. */
export async function checkXml(
  file: string,
  read: () => Promise<Uint8Array>,
  schemas: LibvirtSchemas,
): Promise<XmlCheck> {
  try {
    const bytes = await read();
    const document = parseXmlBytes(bytes, file);
    const root = document.root.name;
    const text = writeXml(document);
    const identical = Buffer.from(text).equals(bytes);
    const { schema, why } = await schemas.schemaFor(root);
    const known = { file, root, wellFormed: true, identical };
    return schema === undefined
      ? { ...known, valid: null, notValidated: why }
      : { ...known, ...validity(document, text, schema) };
  } catch (error) {
    if (!isBerthError(error)) throw error;
    const known = isBerthError(error, 'BERTH_XML_INVALID') ? false : null;
    const nothing = { root: null, wellFormed: known, identical: known, valid: null };
    return { file, ...nothing, error: refusalOf(error) };
  }
}

/** True for a document that libvirt would read, as far as could be told. */
export function isGood({ wellFormed, identical, valid }: XmlCheck): boolean {
  return wellFormed === true && identical === true && valid !== false;
}

function validity(
  document: XmlDocument,
  text: string,
  schema: LibvirtSchema,
): Partial<XmlCheck> & Pick<XmlCheck, 'valid'> {
  const verdict = schema.validate(text);
  if (verdict.valid === true) return { valid: true };
  if (verdict.valid === null) return unread(verdict);
  const blame = blameFor(document, (without) => schema.validate(without).valid === true);
  const element = blame?.element ?? placeOf(document, verdict);
  const { line, column } = element.place ?? { line: 1, column: 1 };
  const message =
    blame === undefined ? verdict.problem : `${blameText(blame)} (libxml2: ${verdict.problem})`;
  return { valid: false, error: { code: SCHEMA_CODE, line, column, message } };
}

/** libvirt reads with libxml2: what that refuses is no XML to it, whatever we make of it. */
function unread({ problem, isTooLong, line, column }: Unread): ReturnType<typeof validity> {
  const message = `libxml2 does not read it: ${problem}`;
  if (isTooLong) return { valid: null, notValidated: message };
  const error = { code: 'BERTH_XML_INVALID', line, column, message };
  return { wellFormed: false, valid: null, error };
}

type Unread = Extract<SchemaVerdict, { readonly valid: null }>;

function blameText({ element, attribute }: SchemaBlame): string {
  if (attribute === undefined) return `<${element.name}> is not allowed here as it is`;
  return `${attribute}="${element.attribute(attribute)}" is not allowed in this <${element.name}>`;
}

/**
 * The first element that libxml2 means; the root where it does not tell. Of an element that should
 * not be there it tells the place around it, and the name in words.
 */
function placeOf(document: XmlDocument, { problem, xpath }: Refusal): XmlElement {
  const [found] = xpath === undefined ? [] : selectXml(document, xpath);
  const around = found?.element ?? document.root;
  const name = /\belement ([^\s:]+) /.exec(problem)?.[1];
  return (name === undefined ? undefined : around.child(name)) ?? around;
}

type Refusal = Extract<SchemaVerdict, { readonly valid: false }>;

function refusalOf(error: BerthError): XmlCheckError {
  const { code, data, message } = error;
  const place = 'line' in data && 'column' in data ? data : undefined;
  return {
    code,
    line: place?.line ?? null,
    column: place?.column ?? null,
    message: isBerthError(error, 'BERTH_XML_INVALID') ? error.data.problem : message,
  };
}
