import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as Libxml2 from 'libxml2-wasm';
import type { RelaxNGValidator } from 'libxml2-wasm';
import { berthError } from '../base/errors.ts';

/** Where distributions put libvirt's RELAX NG schemas. */
export const SCHEMA_FOLDER = '/usr/share/libvirt/schemas';

/** The schema file for each root element that libvirt has one for. */
const SCHEMA_NAMES: Readonly<Record<string, string>> = {
  capabilities: 'capability',
  cpu: 'cpu',
  device: 'nodedev',
  domain: 'domain',
  domainbackup: 'domainbackup',
  domainCapabilities: 'domaincaps',
  domaincheckpoint: 'domaincheckpoint',
  domainsnapshot: 'domainsnapshot',
  filter: 'nwfilter',
  filterbinding: 'nwfilterbinding',
  inactiveDomain: 'inactiveDomain',
  interface: 'interface',
  network: 'network',
  networkport: 'networkport',
  pool: 'storagepool',
  secret: 'secret',
  storagepoolCapabilities: 'storagepoolcaps',
  volume: 'storagevol',
};

/** What a schema says of a document. */
export type SchemaVerdict =
  | { readonly valid: true }
  | {
      /** libxml2 does not read the document at all, so the schema was not asked. */
      readonly valid: null;
      readonly problem: string;
      /** True where only the length of a piece keeps libxml2, and so libvirt, from reading it. */
      readonly isTooLong: boolean;
      readonly line: number;
      readonly column: number;
    }
  | {
      readonly valid: false;
      /** libxml2's own words. */
      readonly problem: string;
      /** Where, as an expression that `selectXml` reads; undefined where libxml2 does not tell. */
      readonly xpath: string | undefined;
    };

/** The schema for one kind of document, or why there is none. */
export type SchemaChoice =
  | { readonly schema: LibvirtSchema; readonly why?: undefined }
  | { readonly schema?: undefined; readonly why: string };

/**
 * The schemas of a libvirt installation. libxml2 (as WebAssembly) reads them, because libvirt itself
 * validates with it; it is loaded with the first document, and opens no file itself.
 */
export class LibvirtSchemas {
  readonly #folder: string;
  readonly #loaded = new Map<string, Promise<LibvirtSchema>>();
  #files: Promise<SchemaFiles> | undefined;

  /** @param folder where the `.rng` files are; it need not exist. */
  constructor(folder: string = SCHEMA_FOLDER) {
    this.#folder = folder;
  }

  /**
   * The schema that holds for documents with that root element.
   * @throws BERTH_FACTS_INVALID for a schema that libxml2 cannot read.
   */
  async schemaFor(root: string): Promise<SchemaChoice> {
    const name = Object.hasOwn(SCHEMA_NAMES, root) ? SCHEMA_NAMES[root] : undefined;
    if (name === undefined) return { why: `libvirt has no schema for <${root}>` };
    this.#files ??= this.#readFiles();
    const files = await this.#files;
    const file = `${name}.rng`;
    if (files[file] === undefined) return { why: this.#missing(file, files) };
    const schema = this.#loaded.get(file) ?? this.#load(file, files);
    this.#loaded.set(file, schema);
    return { schema: await schema };
  }

  #missing(file: string, files: SchemaFiles): string {
    return Object.keys(files).length === 0
      ? `no schemas of libvirt are in ${this.#folder}`
      : `the libvirt of ${this.#folder} has no ${file}`;
  }

  async #readFiles(): Promise<SchemaFiles> {
    const names = await readdir(this.#folder).catch(() => []);
    const schemas = names.filter((name) => name.endsWith('.rng'));
    const contents = schemas.map(async (name) => readFile(join(this.#folder, name)));
    const bytes = await Promise.all(contents);
    return Object.fromEntries(
      schemas.map((name, index) => [name, bytes[index] ?? new Uint8Array()]),
    );
  }

  async #load(file: string, files: SchemaFiles): Promise<LibvirtSchema> {
    const libxml2 = await import('libxml2-wasm');
    const { ParseOption, RelaxNGValidator, XmlBufferInputProvider, XmlDocument } = libxml2;
    libxml2.xmlRegisterInputProvider(new XmlBufferInputProvider({ ...files }));
    try {
      const option = ParseOption.XML_PARSE_NONET;
      const source = files[file] ?? new Uint8Array();
      using document = XmlDocument.fromBuffer(source, { url: file, option });
      return new LibvirtSchema(libxml2, RelaxNGValidator.fromDoc(document));
    } catch (error) {
      const problem = error instanceof Error ? firstLine(error.message) : String(error);
      throw berthError('BERTH_FACTS_INVALID', { fact: join(this.#folder, file), problem });
    } finally {
      libxml2.xmlCleanupInputProvider();
    }
  }
}

type SchemaFiles = Readonly<Record<string, Uint8Array>>;

/** One schema, ready to be held against documents. */
export class LibvirtSchema {
  readonly #libxml2: typeof Libxml2;
  readonly #validator: RelaxNGValidator;

  /** For `LibvirtSchemas`. */
  constructor(libxml2: typeof Libxml2, validator: RelaxNGValidator) {
    this.#libxml2 = libxml2;
    this.#validator = validator;
  }

  /** Holds a well-formed document against the schema. */
  validate(text: string): SchemaVerdict {
    const { ParseOption, XmlDocument, XmlLibError, XmlParseError } = this.#libxml2;
    const option = ParseOption.XML_PARSE_NONET | ParseOption.XML_PARSE_NO_XXE;
    try {
      using document = XmlDocument.fromString(text, { option });
      this.#validator.validate(document);
      return { valid: true };
    } catch (error) {
      if (!(error instanceof XmlLibError)) throw error;
      return error instanceof XmlParseError
        ? unreadOf(error.details, text)
        : refusalOf(error.details);
    }
  }
}

/** The longest text or attribute that libxml2 reads by default, in bytes. */
const LIBXML2_PIECE_MAX = 10_000_000;

function unreadOf([first]: readonly Complaint[], text: string): SchemaVerdict {
  return {
    valid: null,
    problem: firstLine(first?.message ?? 'libxml2 does not read it'),
    isTooLong: Buffer.byteLength(text) > LIBXML2_PIECE_MAX,
    line: first?.line ?? 1,
    column: first?.col ?? 1,
  };
}

interface Complaint {
  readonly message: string;
  readonly line?: number;
  readonly col?: number;
  readonly xpath?: string;
}

/** libxml2 complains from the inside out; the deepest place tells most. */
function refusalOf(complaints: readonly Complaint[]): SchemaVerdict {
  const depth = ({ xpath = '' }: Complaint): number => xpath.split('/').length;
  const deepest = Math.max(...complaints.map(depth));
  const place = complaints.find((complaint) => depth(complaint) === deepest);
  const problem = firstLine(complaints[0]?.message ?? 'the schema does not allow it');
  return { valid: false, problem, xpath: place?.xpath };
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}
