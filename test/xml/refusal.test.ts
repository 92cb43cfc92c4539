import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { isBerthError, type ErrorCode } from '../../src/base/errors.ts';
import { el, newDocument, parseXml, writeXml, XML_LENGTH_MAX } from '../../src/xml/index.ts';
import { anyDocument } from './documents.ts';

function codeOf(action: () => unknown): ErrorCode | undefined {
  try {
    action();
  } catch (error) {
    if (isBerthError(error)) return error.code;
    throw error;
  }
  return undefined;
}

const ILL_FORMED: readonly (readonly [xml: string, place: string, problem: RegExp])[] = [
  ['', '1:1', /root element/],
  ['   \n ', '2:1', /root element/],
  ['no markup', '1:10', /outside of root/],
  ['<a>', '1:4', /ends inside <a>, opened at 1:1/],
  ['<a>\n  <b>\n</a>', '3:1', /<\/a> cannot close <b>, opened at 2:3/],
  ['<a></b>', '1:4', /cannot close <a>/],
  ['<a/></a>', '1:8', /closing tag/],
  ['<a/>\n<b/>', '2:1', /one root/],
  ['<a>\r\n  <b x=1/>\r\n</a>', '2:8', /unquoted/],
  ['<a>\r<b x/></a>', '2:5', /attribute/],
  ['<a x="1" x="2"/>', '1:16', /duplicate attribute/],
  ['<a x="<"/>', '1:7', /disallowed/],
  ['<a>&unknown;</a>', '1:4', /no entity of XML/],
  ['<!DOCTYPE a [<!ENTITY x "y">]>\n<a>&x;</a>', '2:4', /not expanded/],
  ['<!DOCTYPE>\n<a/>', '1:1', /DOCTYPE/],
  ['<a/><!DOCTYPE a>', '1:5', /doctype/],
  ['<a>&#0;</a>', '1:4', /no character of XML/],
  ['<a>\u0001</a>', '1:4', /disallowed character/],
  ['<a>😀😀\u0001</a>', '1:6', /disallowed character/],
  ['<a>\uD83D</a>', '1:4', /surrogate/],
  ['<a>]]></a>', '1:6', /\]\]>/],
  ['<a><!-- -- --></a>', '1:11', /comment/],
  ['<a><p:b/></a>', '1:9', /unbound namespace prefix/],
  [' <?xml version="1.0"?><a/>', '1:2', /start of the document/],
  ['<a><![CDATA[', '1:13', /ends inside <a>/],
  ['<1a/>', '1:2', /tag name/],
];

for (const [xml, place, problem] of ILL_FORMED) {
  test(`${JSON.stringify(xml)} is refused at ${place}`, () => {
    assert.throws(
      () => parseXml(xml, 'some.xml'),
      (error) => {
        assert.ok(isBerthError(error, 'BERTH_XML_INVALID'), String(error));
        assert.equal(`${error.data.line}:${error.data.column}`, place);
        assert.match(error.data.problem, problem);
        assert.ok(error.message.startsWith(`some.xml:${place}: `));
        return true;
      },
    );
  });
}

test('a document cut off anywhere is refused, never half read', () => {
  fc.assert(
    fc.property(anyDocument, fc.nat(), ({ xml }, choice) => {
      const cut = xml.slice(0, choice % xml.lastIndexOf('</root>'));
      assert.equal(
        codeOf(() => parseXml(cut, 'cut')),
        'BERTH_XML_INVALID',
      );
    }),
  );
});

test('elements nest as deep as libxml2 allows and no deeper', () => {
  const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth);
  assert.equal(writeXml(parseXml(nested(256), 'deep')), nested(256));
  assert.throws(() => parseXml(nested(257), 'deep'), {
    code: 'BERTH_XML_INVALID',
    message: /1:769: .*256/,
  });
  const { root } = parseXml(nested(255), 'deep');
  let deepest = root;
  while (deepest.elements[0] !== undefined) deepest = deepest.elements[0];
  const at = deepest;
  assert.equal(
    codeOf(() => at.append(el('b', {}, el('c')))),
    'BERTH_TOO_LARGE',
  );
  assert.equal(at.append(el('b')).name, 'b');
});

test('a document beyond the limit of length is refused before it is read', () => {
  const xml = `<a>${' '.repeat(XML_LENGTH_MAX)}</a>`;
  assert.equal(
    codeOf(() => parseXml(xml, 'long')),
    'BERTH_TOO_LARGE',
  );
});

test('a document full of entity declarations does not grow', () => {
  const bomb = `<!DOCTYPE a [<!ENTITY x "${'y'.repeat(1000)}"><!ENTITY z "&x;&x;&x;">]><a b="&z;"/>`;
  assert.throws(() => parseXml(bomb, 'bomb'), {
    code: 'BERTH_XML_INVALID',
    message: /no entity of XML/,
  });
});

test('characters that XML does not have are refused wherever they are written', () => {
  const { root } = parseXml('<a><b/></a>', 'test');
  for (const bad of ['\u0000', 'a\u001F', '\uFFFE', '\uD800', '\uDC00x']) {
    assert.equal(
      codeOf(() => root.setAttribute('x', bad)),
      'BERTH_SPEC_INVALID',
    );
    assert.equal(
      codeOf(() => root.child('b')?.setText(bad)),
      'BERTH_SPEC_INVALID',
    );
    assert.equal(
      codeOf(() => el('c', { x: bad })),
      'BERTH_SPEC_INVALID',
    );
    assert.equal(
      codeOf(() => el('c', {}, bad)),
      'BERTH_SPEC_INVALID',
    );
  }
});

test('names that XML does not have are refused', () => {
  const { root } = parseXml('<a/>', 'test');
  for (const bad of ['', '1a', 'a b', 'a:b:c', ':a', 'a:', 'a>', 'x="1" y', '-a', '\u00D7']) {
    assert.equal(
      codeOf(() => el(bad)),
      'BERTH_SPEC_INVALID',
      bad,
    );
    assert.equal(
      codeOf(() => el('a', { [bad]: 1 })),
      'BERTH_SPEC_INVALID',
      bad,
    );
    assert.equal(
      codeOf(() => root.setAttribute(bad, 1)),
      'BERTH_SPEC_INVALID',
      bad,
    );
  }
  assert.equal(writeXml(root), '<a/>');
});

test('a prefix that nothing declares is refused, and the document stays as it was', () => {
  const xml = `<a><p:b xmlns:p='urn:p' p:x='1'/></a>`;
  const document = parseXml(xml, 'test');
  const inner = document.root.child('p:b')!;
  assert.equal(
    codeOf(() => document.root.append(el('c', {}, el('q:d')))),
    'BERTH_SPEC_INVALID',
  );
  assert.equal(
    codeOf(() => document.root.append(el('c', { 'q:x': 1 }))),
    'BERTH_SPEC_INVALID',
  );
  assert.equal(
    codeOf(() => document.root.setAttribute('q:x', 1)),
    'BERTH_SPEC_INVALID',
  );
  assert.equal(
    codeOf(() => inner.removeAttribute('xmlns:p')),
    'BERTH_SPEC_INVALID',
  );
  assert.equal(
    codeOf(() => inner.setAttribute('xmlns:p', '')),
    'BERTH_SPEC_INVALID',
  );
  assert.equal(
    codeOf(() => inner.setAttribute('xmlns:xml', 'urn:x')),
    'BERTH_SPEC_INVALID',
  );
  assert.equal(
    codeOf(() => newDocument(el('q:a'))),
    'BERTH_SPEC_INVALID',
  );
  assert.equal(writeXml(document), xml);
});

test('one attribute under two prefixes of a namespace is refused', () => {
  const { root } = parseXml(`<a xmlns:p='urn:p' xmlns:q='urn:p' p:x='1'/>`, 'test');
  assert.equal(
    codeOf(() => root.setAttribute('q:x', 1)),
    'BERTH_SPEC_INVALID',
  );
});

test('text is not put where elements are', () => {
  const { root } = parseXml('<a><b/></a>', 'test');
  assert.equal(
    codeOf(() => root.setText('x')),
    'BERTH_SPEC_INVALID',
  );
});

test('an element stands in one place only, and never inside itself', () => {
  const { root } = parseXml('<a><b><c/></b></a>', 'test');
  const b = root.child('b')!;
  assert.throws(() => root.append(b), { name: 'AssertionError' });
  assert.throws(() => b.append(root), { name: 'AssertionError' });
  assert.throws(() => root.remove(), { name: 'AssertionError' });
  b.remove();
  assert.throws(() => b.child('c')?.append(b), { name: 'AssertionError' });
});
