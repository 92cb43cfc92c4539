import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { isBerthError } from '../../src/base/errors.ts';
import {
  parseXml,
  selectXml,
  setXmlValue,
  writeXml,
  type SetOptions,
  type XmlElement,
} from '../../src/xml/index.ts';
import { anyDocument } from './documents.ts';
import { allOf, attributeSpan, contentSpan } from './edited-bytes.ts';

function set(text: string, xpath: string, value: string, options?: SetOptions): string {
  const document = parseXml(text, 'test');
  setXmlValue(document, xpath, value, options);
  return writeXml(document);
}

const DOMAIN = `\uFEFF<?xml version='1.0'?>\r
<!DOCTYPE domain>\r
<domain  type = "kvm"\txmlns:q='urn:q'>\r
  <!-- 4 --><vcpu placement='static' >4</vcpu>\r
  <title>a<!-- b -->c<![CDATA[<d>]]></title><memory/>\r
  <devices><disk n='1'><target dev='vda'/></disk><disk><target dev="vdb"/></disk></devices>\r
  <q:x q:y='&apos;'>&#65;</q:x>\r
</domain>\r
`;

const EDITS: readonly (readonly [xpath: string, value: string, was: string, becomes: string])[] = [
  ['/domain/vcpu', '5', '>4</vcpu>', '>5</vcpu>'],
  ['/domain/vcpu/text()', '5', '>4</vcpu>', '>5</vcpu>'],
  ['/domain/@type', 'q"<', '"kvm"', '"q&quot;&lt;"'],
  ['//disk[2]/target/@dev', "v'", '"vdb"', `"v'"`],
  ["//disk[@n='1']/target/@dev", "v'", "'vda'", "'v&apos;'"],
  ['/domain/title', 'x', 'a<!-- b -->c<![CDATA[<d>]]>', 'x<!-- b -->'],
  ['/domain/memory', '1', '<memory/>', '<memory>1</memory>'],
  ['/domain/q:x/@q:y', 'b', '&apos;', 'b'],
  ['/domain/q:x', 'B', '&#65;', 'B'],
  ['domain/vcpu', '', '>4<', '><'],
];

for (const [xpath, value, was, becomes] of EDITS) {
  test(`setting ${xpath} to ${value === '' ? 'nothing' : value} changes that place alone`, () => {
    assert.equal(DOMAIN.split(was).length, 2, 'the place is there once');
    assert.equal(
      set(DOMAIN, xpath, value),
      DOMAIN.replace(was, () => becomes),
    );
  });
}

test('what has the value already keeps its spelling', () => {
  assert.equal(set(DOMAIN, '/domain/q:x', 'A'), DOMAIN);
  assert.equal(set(DOMAIN, '/domain/title', 'ac<d>'), DOMAIN);
  assert.equal(set(DOMAIN, '/domain/q:x/@q:y', "'"), DOMAIN);
});

test('a missing attribute is refused, or added behind the others when that is asked for', () => {
  assert.throws(() => set(DOMAIN, '/domain/vcpu/@cpuset', '0-3'), refusal('nothing', /--add/));
  const added = set(DOMAIN, '/domain/vcpu/@cpuset', '0-3', { add: true });
  assert.equal(added, DOMAIN.replace("'static'", "'static' cpuset='0-3'"));
  const changed = set(DOMAIN, '/domain/vcpu/@placement', 'auto', { add: true });
  assert.equal(changed, DOMAIN.replace('static', 'auto'));
  for (const xpath of ['/domain/nothing/@cpuset', '//disk/@serial', '/domain/vcpu/cpuset']) {
    assert.throws(() => set(DOMAIN, xpath, '1', { add: true }), refusal('nothing', /matches/));
  }
});

test('no declaration of a namespace is added', () => {
  const add = (name: string) => () => set(DOMAIN, `/domain/vcpu/@${name}`, 'urn:a', { add: true });
  assert.throws(add('xmlns'), refusal('nothing', /declares a namespace/));
  assert.throws(add('xmlns:a'), refusal('nothing', /declares a namespace/));
});

const REFUSED: readonly (readonly [xpath: string, why: string, said: RegExp])[] = [
  ['/domain/cpu', 'nothing', /nothing in the document/],
  ['/domain/devices/disk', 'several', /2 places \(line:column 6:12, 6:50\)/],
  ['//@*', 'several', /places/],
  ['/domain/devices', 'not text', /holds other elements/],
  ['/domain', 'not text', /holds other elements/],
  ['/domain/text()', 'not text', /holds other elements/],
  ['//z:x', 'nothing', /declares no prefix "z"/],
  ['', 'subset', /empty/],
  ['/', 'subset', /a step is missing, at character 2/],
  ['/domain/', 'subset', /a step is missing, at character 9/],
  ['/domain/vcpu[', 'subset', /a step is missing, at character 14/],
  ['/domain/vcpu[1', 'subset', /"\]" is missing, at character 15/],
  ['/domain/vcpu]', 'subset', /"\]" cannot stand here, at character 13/],
  ['/domain|/pool', 'subset', /at character 8/],
  ['child::domain', 'subset', /axis "child"/],
  ['/domain/node()', 'subset', /node\(\)/],
  ['//disk[//target]', 'subset', /starts where it stands, at character 8/],
  ['//disk[sum(a)]', 'subset', /sum\(\)/],
  ['//disk[contains(a)]', 'subset', /does not take 1 arguments/],
  ['//disk[count("a")]', 'subset', /takes a path/],
  ['//q:*', 'subset', /"q:\*"/],
  ['/domain/vcpu + 1', 'subset', /at character 14/],
  ['@', 'subset', /a step is missing/],
  ["//disk['", 'subset', /no part of a path, at character 8/],
  ['$x', 'subset', /at character 1/],
  [`//a${'[a'.repeat(30)}${']'.repeat(30)}`, 'subset', /nest more than 20 deep/],
  [`${'('.repeat(30)}//a${')'.repeat(30)}`, 'subset', /nest more than 20 deep/],
];

function refusal(why: string, said: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(isBerthError(error, 'BERTH_XPATH'), String(error));
    assert.equal(error.data.why, why);
    assert.match(`${error.message} ${error.hint}`, said);
    return true;
  };
}

test('an expression that leads to no single text is refused with the reason', () => {
  for (const [xpath, why, said] of REFUSED) {
    assert.throws(() => set(DOMAIN, xpath, 'x'), refusal(why, said), xpath);
  }
});

test('an expression that a default namespace or a declaration keeps from matching says so', () => {
  const text = "<domain xmlns='urn:x' xmlns:q='urn:q'><name>a</name></domain>";
  assert.throws(() => set(text, '/domain/name', 'b'), refusal('nothing', /local-name.*urn:x/));
  const local = "/*[local-name()='domain']/*[local-name()='name']";
  assert.equal(set(text, local, 'b'), text.replace('>a<', '>b<'));
  for (const xpath of ['/domain/@xmlns:q', '/domain/@xmlns']) {
    assert.throws(() => set(text, xpath, 'b', { add: true }), refusal('nothing', /namespace/));
  }
});

test('a value that XML cannot carry is refused and nothing changes', () => {
  const document = parseXml(DOMAIN, 'test');
  for (const xpath of ['/domain/vcpu', '/domain/@type']) {
    assert.throws(
      () => setXmlValue(document, xpath, 'a\u0000'),
      (error) => isBerthError(error, 'BERTH_SPEC_INVALID'),
    );
  }
  assert.equal(writeXml(document), DOMAIN);
});

test('an expression that is too long, or would look at too much, is refused', () => {
  const isTooLarge = (error: unknown): boolean => isBerthError(error, 'BERTH_TOO_LARGE');
  const document = parseXml(`<a>${'<b/>'.repeat(5000)}</a>`, 'test');
  assert.throws(() => selectXml(document, `/${'a'.repeat(3000)}`), isTooLarge);
  assert.throws(() => selectXml(document, '//b[../b[../b[../b]]]'), isTooLarge);
});

/** A path that leads to an element alone. */
function pathOf(element: XmlElement): string {
  const { parent } = element;
  if (parent === undefined) return '/*';
  return `${pathOf(parent)}/*[${parent.elements.indexOf(element) + 1}]`;
}

const anyValue = fc.string({ unit: fc.constantFrom('a', '<', '&', '"', "'", ']', '\n', '😀') });

test('a set attribute changes no byte outside its value', () => {
  fc.assert(
    fc.property(anyDocument, fc.nat(), anyValue, ({ xml }, choice, value) => {
      const document = parseXml(xml, 'random');
      const places = allOf(document.root).flatMap((element) =>
        element.attributes
          .filter(({ name }) => !name.startsWith('xmlns'))
          .map(({ name }) => ({ element, name })),
      );
      const place = places[choice % places.length];
      if (place === undefined) return;
      const { element, name } = place;
      const { start, end } = attributeSpan(document, element, name);
      setXmlValue(document, `${pathOf(element)}/@${name}`, value);
      const written = writeXml(document);
      assert.equal(written.slice(0, start), xml.slice(0, start));
      assert.ok(written.endsWith(xml.slice(end)));
      assert.equal(parseAgain(written, element).attribute(name), value);
    }),
  );
});

test('a set text changes no byte outside its element', () => {
  fc.assert(
    fc.property(anyDocument, fc.nat(), anyValue, ({ xml }, choice, value) => {
      const document = parseXml(xml, 'random');
      const leaves = allOf(document.root).filter(({ elements }) => elements.length === 0);
      const element = leaves[choice % leaves.length];
      if (element === undefined) return;
      const { start, end } = contentSpan(document, element);
      setXmlValue(document, pathOf(element), value);
      const written = writeXml(document);
      assert.equal(written.slice(0, start), xml.slice(0, start));
      assert.ok(written.endsWith(xml.slice(end)));
      assert.equal(parseAgain(written, element).text, value);
    }),
  );
});

/** The same element of a text that was written. */
function parseAgain(text: string, element: XmlElement): XmlElement {
  const [found] = selectXml(parseXml(text, 'written'), pathOf(element));
  assert.ok(found !== undefined);
  return found.element;
}
