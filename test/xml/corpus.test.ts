import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { XmlDocument as Libxml2Document } from 'libxml2-wasm';
import { isBerthError } from '../../src/base/errors.ts';
import { parseXml, readDomain, writeXml } from '../../src/xml/index.ts';
import { readTarGz } from './tar.ts';

const DATA = process.env['BERTH_TEST_DATA'];
const FOLDER = path.join(DATA ?? '', 'domain-xml');
const skip =
  DATA === undefined
    ? 'needs: BERTH_TEST_DATA'
    : !existsSync(FOLDER) && 'needs: domain-xml in BERTH_TEST_DATA';

interface Sample {
  readonly name: string;
  readonly bytes: Buffer;
}

function samples(): readonly Sample[] {
  const plain = readdirSync(path.join(FOLDER, 'real-world')).map((name) => ({
    name,
    bytes: readFileSync(path.join(FOLDER, 'real-world', name)),
  }));
  const packed = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.tar.gz'))
    .flatMap((name) => readTarGz(path.join(FOLDER, name)))
    .filter((entry) => entry.link === undefined && entry.name.endsWith('.xml'));
  return [...plain, ...packed];
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
  { skip },
  (t) => {
    let written = 0;
    const refused: string[] = [];
    for (const { name, bytes } of samples()) {
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
  { skip },
  (t) => {
    const refused: string[] = [];
    let read = 0;
    for (const { name, bytes } of samples()) {
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
