import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import * as fc from 'fast-check';
import { XmlDocument as Libxml2Document } from 'libxml2-wasm';
import { isBerthError } from '../../src/base/errors.ts';
import { LibvirtSchemas, SCHEMA_FOLDER } from '../../src/cli/libvirt-schemas.ts';
import { checkXml } from '../../src/cli/xml-check.ts';
import { parseXml, readDomain, selectXml, setXmlValue, writeXml } from '../../src/xml/index.ts';
import { allOf, attributeSpan, contentSpan } from './edited-bytes.ts';
import { schemaRefusal, schemaSkip } from './kinds.ts';
import { domainSamples, samplesSkip } from './domain-samples.ts';
import type { Sample } from './domain-samples.ts';

/** The first need that is not met, or false. */
function firstNeed(...needs: readonly (string | false)[]): string | false {
  return needs.find((need) => need !== false) ?? false;
}

/** What libvirt's own parser makes of a document. */
function libxml2Accepts(bytes: Buffer): boolean {
  try {
    Libxml2Document.fromBuffer(bytes).dispose();
    return true;
  } catch {
    return false;
  }
}

test(
  'recorded domain XML comes back byte for byte, or is refused with a place where libxml2 refuses it',
  { skip: samplesSkip },
  (t) => {
    let written = 0;
    const refused: string[] = [];
    for (const { name, bytes } of domainSamples()) {
      try {
        assert.deepEqual(
          Buffer.from(writeXml(parseXml(bytes.toString('utf8'), name))),
          bytes,
          name,
        );
        written++;
        assert.ok(libxml2Accepts(bytes), `${name} is no XML to libxml2`);
      } catch (error) {
        if (!isBerthError(error, 'BERTH_XML_INVALID')) throw error;
        assert.ok(error.data.line >= 1 && error.data.column >= 1);
        assert.ok(!libxml2Accepts(bytes), `${error.message}, but libxml2 accepts it`);
        refused.push(error.message);
      }
    }
    assert.ok(written > 1000, 'the corpus is there');
    t.diagnostic(`${written} written back, ${refused.length} refused ${refused.join('; ')}`);
  },
);

test(
  'every recorded domain is read, or the value that cannot be is named with its place',
  { skip: samplesSkip },
  (t) => {
    const refused: string[] = [];
    let read = 0;
    for (const { name, bytes } of domainSamples()) {
      try {
        const { root } = parseXml(bytes.toString('utf8'), name);
        if (root.name !== 'domain') continue;
        const domain = readDomain(root);
        read++;
        assert.equal(domain.devices.disks.length, root.findAll('devices/disk').length);
      } catch (error) {
        if (!isBerthError(error)) throw error;
        assert.match(error.message, /:\d+:\d+: /);
        refused.push(error.message);
      }
    }
    assert.ok(read > 1000, 'the corpus is there');
    t.diagnostic(`${read} read, ${refused.length} refused: ${refused.join('; ')}`);
  },
);

/** Which of the documents xmllint, a program of its own, finds valid by libvirt's schema. */
function xmllintVerdicts(documents: readonly Sample[]): readonly boolean[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'berth-corpus-'));
  try {
    const files = documents.map(({ bytes }, index) => {
      const file = path.join(folder, `${index}.xml`);
      writeFileSync(file, bytes);
      return file;
    });
    const schema = path.join(SCHEMA_FOLDER, 'domain.rng');
    const { stderr } = spawnSync('xmllint', ['--noout', '--relaxng', schema, ...files], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const valid = new Set(stderr.match(/^.*(?= validates$)/gm));
    return files.map((file) => valid.has(file));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const noXmllint = spawnSync('xmllint', ['--version']).error !== undefined && 'needs: xmllint';

test(
  'berth xml check says of every recorded domain what xmllint says of it',
  { skip: firstNeed(samplesSkip, schemaSkip, noXmllint) },
  async (t) => {
    const documents = domainSamples();
    const verdicts = xmllintVerdicts(documents);
    const schemas = new LibvirtSchemas();
    for (const [index, { name, bytes }] of documents.entries()) {
      const check = await checkXml(name, async () => Promise.resolve(bytes), schemas);
      if (check.root !== 'domain') continue;
      assert.equal(check.valid, verdicts[index], name);
      assert.deepEqual([check.wellFormed, check.identical], [true, true], name);
      const { error } = check;
      assert.equal(error === undefined, check.valid, name);
      assert.ok(error === undefined || ((error.line ?? 0) >= 1 && (error.column ?? 0) >= 1));
    }
    t.diagnostic(`${verdicts.filter(Boolean).length} of ${verdicts.length} are valid`);
  },
);

test(
  'an edit of every recorded domain changes its place alone and keeps it as valid as it was',
  { skip: firstNeed(samplesSkip, schemaSkip) },
  async () => {
    for (const { name, bytes } of domainSamples()) {
      const text = bytes.toString('utf8');
      const document = parseXml(text, name);
      const [selected] = selectXml(document, '/domain/name');
      if (selected === undefined) continue;
      const { start, end } = contentSpan(document, selected.element);
      setXmlValue(document, '/domain/name', 'renamed');
      const written = writeXml(document);
      assert.equal(written, `${text.slice(0, start)}renamed${text.slice(end)}`, name);
      assert.equal(
        (await schemaRefusal(text)) === undefined,
        (await schemaRefusal(written)) === undefined,
      );
    }
  },
);

test(
  'an edit of a random place of a recorded domain changes no other byte',
  { skip: samplesSkip },
  () => {
    const documents = domainSamples().map(({ name, bytes }) => ({
      name,
      text: bytes.toString('utf8'),
    }));
    fc.assert(
      fc.property(fc.nat(), fc.nat(), fc.string(), (which, where, value) => {
        const { name, text } = documents[which % documents.length] ?? assert.fail('a document');
        const document = parseXml(text, name);
        const elements = allOf(document.root);
        const index = where % elements.length;
        const element = elements[index] ?? assert.fail('an element');
        const attribute = element.attributes.find((one) => !one.name.startsWith('xmlns'));
        if (attribute === undefined && element.elements.length > 0) return;
        const { start, end } =
          attribute === undefined
            ? contentSpan(document, element)
            : attributeSpan(document, element, attribute.name);
        const expression = `(//*)[${index + 1}]${attribute === undefined ? '' : `/@${attribute.name}`}`;
        setXmlValue(document, expression, value);
        const written = writeXml(document);
        assert.equal(written.slice(0, start), text.slice(0, start));
        assert.ok(written.endsWith(text.slice(end)));
        const again = allOf(parseXml(written, name).root)[index];
        assert.equal(
          attribute === undefined ? again?.text : again?.attribute(attribute.name),
          value,
        );
      }),
      { numRuns: 500 },
    );
  },
);
