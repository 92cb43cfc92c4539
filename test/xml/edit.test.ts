import assert from 'node:assert/strict';
import test from 'node:test';
import {
  el,
  newDocument,
  parseXml,
  renderXml,
  writeXml,
  type XmlElement,
} from '../../src/xml/index.ts';

const DOMAIN = `<domain type='kvm'>
  <name>web1</name> <!-- keep -->
  <vcpu  placement='static'>2</vcpu>
  <devices>
    <disk type='file'/>
    <!-- the second disk -->
    <disk type="block"/>
  </devices>
  <os></os>
  <features/>
</domain>
`;

/** The document's text after an edit of its root. */
function edited(text: string, edit: (root: XmlElement) => void): string {
  const document = parseXml(text, 'test');
  edit(document.root);
  return writeXml(document);
}

/** DOMAIN with one piece replaced: what a precise edit must come to. */
function domainWith(old: string, replacement: string): string {
  assert.equal(DOMAIN.split(old).length, 2, 'the piece stands in the document once');
  return DOMAIN.replace(old, () => replacement);
}

test('a changed attribute keeps its quotes and spacing', () => {
  const text = `<a  x = "1"\n   y='2' />`;
  assert.equal(
    edited(text, (root) => root.setAttribute('x', `<'">`)),
    `<a  x = "&lt;'&quot;&gt;"\n   y='2' />`,
  );
  assert.equal(
    edited(text, (root) => root.setAttribute('y', `<'">`)),
    `<a  x = "1"\n   y='&lt;&apos;"&gt;' />`,
  );
});

test('a new attribute stands behind the last one and looks like it', () => {
  assert.equal(
    edited(`<a x = "1"\n   y = "2" />`, (root) => root.setAttribute('z', 3)),
    `<a x = "1"\n   y = "2"\n   z = "3" />`,
  );
  assert.equal(
    edited(`<a/>`, (root) => root.setAttribute('z', 3)),
    `<a z='3'/>`,
  );
});

test('tabs and line ends in an attribute are written so that they come back', () => {
  const text = edited('<a/>', (root) => root.setAttribute('x', 'a\tb\nc\rd'));
  assert.equal(text, `<a x='a&#9;b&#10;c&#13;d'/>`);
  assert.equal(parseXml(text, 'test').root.attribute('x'), 'a\tb\nc\rd');
});

test('setting what is there already keeps its spelling', () => {
  const text = `<a x='&#65;'><b><![CDATA[<]]>&#66;</b></a>`;
  const same = edited(text, (root) => {
    root.setAttribute('x', 'A');
    root.child('b')?.setText('<B');
  });
  assert.equal(same, text);
});

test('a removed attribute takes the white space before it along', () => {
  assert.equal(
    edited(`<a x='1'\n  y='2' z='3'/>`, (root) => root.removeAttribute('y')),
    `<a x='1' z='3'/>`,
  );
  assert.equal(
    edited(`<a x='1'/>`, (root) => root.removeAttribute('y')),
    `<a x='1'/>`,
  );
});

test('new text replaces text and CDATA, and comments stay', () => {
  assert.equal(
    edited(`<a><!-- 1 -->old<![CDATA[er]]><?pi?>!</a>`, (root) => root.setText('a<b&c]]>\r')),
    `<a><!-- 1 -->a&lt;b&amp;c]]&gt;&#13;<?pi?></a>`,
  );
  assert.equal(
    edited(`<a/>`, (root) => root.setText(7)),
    `<a>7</a>`,
  );
  assert.equal(
    edited(`<a>7</a>`, (root) => root.setText('')),
    `<a></a>`,
  );
});

test('an appended element is indented and quoted as what is around it', () => {
  const disk = el('disk', { type: 'volume' }, el('source', { pool: 'default' }), el('readonly'));
  assert.equal(
    edited(DOMAIN, (root) => root.child('devices')?.append(disk)),
    domainWith(
      `"block"/>\n`,
      `"block"/>\n    <disk type="volume">\n      <source pool="default"/>\n      <readonly/>\n    </disk>\n`,
    ),
  );
});

test('an empty element opens up on lines of its own', () => {
  assert.equal(
    edited(DOMAIN, (root) => root.child('features')?.append(el('acpi'))),
    domainWith('<features/>', '<features>\n    <acpi/>\n  </features>'),
  );
  assert.equal(
    edited(DOMAIN, (root) => root.child('os')?.append(el('type', {}, 'hvm'))),
    domainWith('<os></os>', '<os>\n    <type>hvm</type>\n  </os>'),
  );
});

test('an element put beside another starts a line like it', () => {
  const memory = el('memory', { unit: 'KiB' }, 1024);
  assert.equal(
    edited(DOMAIN, (root) => root.insertBefore(memory, root.child('vcpu')!)),
    domainWith(`  <vcpu `, `  <memory unit='KiB'>1024</memory>\n  <vcpu `),
  );
  assert.equal(
    edited(DOMAIN, (root) => root.insertAfter(memory, root.child('vcpu')!)),
    domainWith(`</vcpu>`, `</vcpu>\n  <memory unit='KiB'>1024</memory>`),
  );
});

test('the line ends and indentation of the document are followed', () => {
  const text = '<a>\r\n\t<b/>\r\n</a>';
  assert.equal(
    edited(text, (root) => root.child('b')?.append(el('c', {}, el('d')))),
    '<a>\r\n\t<b>\r\n\t\t<c>\r\n\t\t\t<d/>\r\n\t\t</c>\r\n\t</b>\r\n</a>',
  );
});

test('a document on one line stays on one line', () => {
  assert.equal(
    edited('<a><b/></a>', (root) => root.append(el('c', {}, el('d'), el('e')))),
    '<a><b/><c><d/><e/></c></a>',
  );
  assert.equal(
    edited('<a>text</a>', (root) => root.append(el('c'))),
    '<a>text<c/></a>',
  );
});

test('a removed element takes its line along, but no neighbour and no comment', () => {
  assert.equal(
    edited(DOMAIN, (root) => root.findAll('devices/disk')[1]?.remove()),
    domainWith(`\n    <disk type="block"/>`, ''),
  );
  assert.equal(
    edited(DOMAIN, (root) => root.child('name')?.remove()),
    domainWith('<name>web1</name>', ''),
  );
  assert.equal(
    edited('<a><b/>text<c/></a>', (root) => root.child('c')?.remove()),
    '<a><b/>text</a>',
  );
});

test('a replacement stands where the old element stood', () => {
  assert.equal(
    edited(DOMAIN, (root) => root.replace(root.child('vcpu')!, el('vcpu', {}, 4))),
    domainWith(`<vcpu  placement='static'>2</vcpu>`, '<vcpu>4</vcpu>'),
  );
});

test('an element can move to another document and keeps its spelling', () => {
  const disk = parseXml(`<x><disk  type = "a"><!-- c --></disk></x>`, 'from')
    .root.child('disk')!
    .remove();
  assert.equal(
    edited(DOMAIN, (root) => root.child('features')?.append(disk)),
    domainWith('<features/>', `<features>\n    <disk  type = "a"><!-- c --></disk>\n  </features>`),
  );
});

test('a copy changes on its own', () => {
  const { root } = parseXml(DOMAIN, 'test');
  const copy = root.clone();
  copy.child('name')?.setText('web2');
  assert.equal(root.child('name')?.text, 'web1');
  assert.equal(writeXml(copy), DOMAIN.trimEnd().replace('web1', 'web2'));
});

test('a missing child is made, a present one returned', () => {
  assert.equal(
    edited(DOMAIN, (root) => root.ensureChild('features').ensureChild('acpi')),
    domainWith('<features/>', '<features>\n    <acpi/>\n  </features>'),
  );
  assert.equal(
    edited(DOMAIN, (root) => root.ensureChild('features')),
    DOMAIN,
  );
});

test('metadata in a namespace of the caller can be written and found', () => {
  const uri = 'urn:example:app/1';
  const note = el('app:note', { 'xmlns:app': uri }, el('app:by', {}, 'me & you'));
  const text = edited('<domain>\n  <name>a</name>\n</domain>', (root) =>
    root.ensureChild('metadata').append(note),
  );
  assert.equal(
    text,
    `<domain>\n  <name>a</name>\n  <metadata>\n    <app:note xmlns:app='urn:example:app/1'>\n      <app:by>me &amp; you</app:by>\n    </app:note>\n  </metadata>\n</domain>`,
  );
  assert.equal(
    parseXml(text, 'test').root.child('metadata')?.childIn(uri, 'note')?.text.trim(),
    '',
  );
});

test('a document made from nothing is set out as libvirt sets out its own', () => {
  const draft = el(
    'domain',
    { type: 'kvm', id: undefined },
    el('name', {}, 'web1'),
    undefined,
    el('devices', {}, el('disk', { type: 'file' })),
  );
  const text = `<domain type='kvm'>\n  <name>web1</name>\n  <devices>\n    <disk type='file'/>\n  </devices>\n</domain>\n`;
  assert.equal(renderXml(draft), text);
  assert.equal(writeXml(newDocument(draft)), text);
});
