import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import * as fc from 'fast-check';
import { parseXml, writeXml } from '../../src/xml/index.ts';
import { anyDocument, shapeOf } from './documents.ts';

const FIXTURES = path.join(import.meta.dirname, '../fixtures/xml');

for (const name of readdirSync(FIXTURES).filter((file) => file.endsWith('.xml'))) {
  test(`${name} is written back byte for byte`, () => {
    const bytes = readFileSync(path.join(FIXTURES, name));
    const document = parseXml(bytes.toString('utf8'), name);
    assert.deepEqual(Buffer.from(writeXml(document)), bytes);
  });
}

test('every document comes back byte for byte, and means what it says', () => {
  fc.assert(
    fc.property(anyDocument, ({ xml, root }) => {
      const document = parseXml(xml, 'random');
      assert.equal(writeXml(document), xml);
      assert.deepEqual(shapeOf(document.root), root);
    }),
    { numRuns: 500 },
  );
});

test('every element knows where it starts and spells its own part of the text', () => {
  fc.assert(
    fc.property(anyDocument, ({ xml }) => {
      const lines = xml.split(/\r\n|\r|\n/);
      const check = (element: ReturnType<typeof parseXml>['root']): void => {
        const place = element.place ?? assert.fail('parsed elements have a place');
        const rest = Array.from(lines[place.line - 1] ?? '').slice(place.column - 1);
        assert.ok(rest.join('').startsWith(`<${element.name}`));
        assert.ok(xml.includes(writeXml(element)));
        for (const child of element.elements) check(child);
      };
      check(parseXml(xml, 'random').root);
    }),
  );
});

test('reading decodes references, line ends and CDATA as XML says', () => {
  const text = readFileSync(path.join(FIXTURES, 'odd-spelling.xml'), 'utf8');
  const { root } = parseXml(text, 'odd');
  assert.equal(root.child('name')?.text, 'a&b <c> 😀 A');
  assert.equal(root.child('title')?.text, '<b>&amp; ]] > not markup</b>');
  const cmdline = root.find('os/cmdline');
  assert.equal(cmdline?.attribute('note'), 'tab\tline\nend\rquote\'"');
  assert.equal(cmdline?.attribute('wrapped'), 'one two three');
  const crlf = parseXml(readFileSync(path.join(FIXTURES, 'crlf-with-mark.xml'), 'utf8'), 'crlf');
  assert.equal(crlf.root.child('title')?.text, 'first\nsecond');
});

test('namespaces follow their declarations, not their prefixes', () => {
  const text = readFileSync(path.join(FIXTURES, 'odd-spelling.xml'), 'utf8');
  const { root } = parseXml(text, 'odd');
  const metadata = root.child('metadata');
  assert.equal(metadata?.namespace, undefined);
  assert.equal(metadata?.childIn('urn:example:app')?.name, 'app:note');
  assert.equal(metadata?.childIn('urn:example:app', 'other'), undefined);
  assert.equal(
    metadata?.childIn('urn:example:other')?.child('inner')?.namespace,
    'urn:example:other',
  );
  assert.equal(root.find('qemu:commandline/qemu:arg')?.local, 'arg');
});
