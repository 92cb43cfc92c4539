import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { LibvirtSchemas, SCHEMA_FOLDER } from '../../src/cli/libvirt-schemas.ts';
import {
  parseXml,
  readBackup,
  readCapabilities,
  readCheckpoint,
  readDomain,
  readDomainCapabilities,
  readNetwork,
  readNodeDevice,
  readNwFilter,
  readPool,
  readSnapshot,
  readVolume,
  type XmlElement,
} from '../../src/xml/index.ts';

/** What reads a document, by the name of its root. */
export const READERS: Readonly<Record<string, (root: XmlElement) => object>> = {
  capabilities: readCapabilities,
  device: readNodeDevice,
  domain: readDomain,
  domainbackup: readBackup,
  domainCapabilities: readDomainCapabilities,
  domaincheckpoint: readCheckpoint,
  domainsnapshot: readSnapshot,
  filter: readNwFilter,
  network: readNetwork,
  pool: readPool,
  volume: readVolume,
};

/** Reads a document of any kind. */
export function readAny(text: string): object {
  const { root } = parseXml(text, 'test');
  const read = READERS[root.name];
  if (read === undefined) throw new Error(`nothing reads <${root.name}>`);
  return read(root);
}

/** A recorded document: `captured/` is what libvirt 9.0 wrote, `written/` what it did not show here. */
export interface Fixture {
  /** With its folder: `captured/network-lan.xml`. */
  readonly name: string;
  readonly file: string;
  readonly text: string;
}

const FOLDER = path.join(import.meta.dirname, '../fixtures/xml');

/** All recorded documents. */
export function fixtures(): readonly Fixture[] {
  const names = ['captured', 'written'].flatMap((folder) =>
    readdirSync(path.join(FOLDER, folder)).map((name) => `${folder}/${name}`),
  );
  return names.filter((name) => name.endsWith('.xml')).map(fixture);
}

/** One of them. */
export function fixture(name: string): Fixture {
  const file = path.join(FOLDER, name);
  return { name, file, text: readFileSync(file, 'utf8') };
}

/** The unmet need for tests that ask libvirt's schemas, or false. */
export const schemaSkip =
  !existsSync(path.join(SCHEMA_FOLDER, 'domain.rng')) && 'needs: schemas of libvirt';

const schemas = new LibvirtSchemas();

/** What libvirt's schema has against a document; undefined for nothing. */
export async function schemaRefusal(text: string): Promise<string | undefined> {
  const { schema, why } = await schemas.schemaFor(parseXml(text, 'test').root.name);
  if (schema === undefined) throw new Error(why);
  const verdict = schema.validate(text);
  return verdict.valid === true ? undefined : verdict.problem;
}
