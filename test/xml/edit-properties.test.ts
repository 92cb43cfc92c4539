import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { el, parseXml, writeXml, type XmlDocument, type XmlElement } from '../../src/xml/index.ts';
import { anyDocument, shapeOf } from './documents.ts';
import { allOf, offsetOf } from './edited-bytes.ts';

type Edit = (element: XmlElement, value: string) => void;

const WITHIN: Readonly<Record<string, Edit>> = {
  'a set attribute': (element, value) => element.setAttribute('a', value),
  'a new attribute': (element, value) => element.setAttribute('new', value),
  'a removed attribute': (element) => element.removeAttribute('a'),
  'a text': (element, value) => {
    if (element.elements.length === 0) element.setText(value);
  },
  'an appended element': (element, value) => element.append(el('p:new', { 'p:x': value }, value)),
  'a removed child': (element) => element.elements[0]?.remove(),
  'an element before the first': (element, value) => {
    const first = element.elements[0];
    if (first !== undefined) element.insertBefore(el('new', {}, el('a', {}, value)), first);
  },
  'an element after the first': (element, value) => {
    const first = element.elements[0];
    if (first !== undefined) element.insertAfter(el('new', {}, el('a', {}, value)), first);
  },
  'a replaced child': (element, value) => {
    const first = element.elements[0];
    if (first !== undefined) element.replace(first, el('new', { a: value }));
  },
};

const anyText = fc.string({
  unit: fc.constantFrom('a', '<', '&', '"', "'", '>', ']', '\r', '\n', '\t', '😀'),
});

for (const [name, edit] of Object.entries(WITHIN)) {
  test(`${name} changes no byte outside its element, and the document stays well-formed`, () => {
    fc.assert(
      fc.property(anyDocument, fc.nat(), anyText, ({ xml }, choice, value) => {
        const document = parseXml(xml, 'random');
        const element = pick(document, choice);
        const start = offsetOf(document, element);
        const tail = xml.slice(start + writeXml(element).length);
        edit(element, value);
        const written = writeXml(document);
        assert.equal(written, xml.slice(0, start) + writeXml(element) + tail);
        assert.deepEqual(shapeOf(parseXml(written, 'edited').root), shapeOf(document.root));
      }),
    );
  });
}

test('an edit keeps the spelling of everything else in its element', () => {
  fc.assert(
    fc.property(anyDocument, fc.nat(), anyText, ({ xml }, choice, value) => {
      const element = pick(parseXml(xml, 'random'), choice);
      const others = element.attributes.filter(({ name }) => name !== 'a');
      const children = element.children;
      element.setAttribute('a', value).append(el('new'));
      assert.equal(element.attribute('a'), value);
      assert.deepEqual(
        element.attributes.filter(({ name }) => name !== 'a'),
        others,
      );
      assert.deepEqual(
        element.children.filter((node) => children.includes(node)),
        children,
      );
    }),
  );
});

test('taking out what was just put in gives the old bytes back', () => {
  fc.assert(
    fc.property(anyPretty, fc.nat(), (xml, choice) => {
      const document = parseXml(xml, 'pretty');
      const element = pick(document, choice);
      element.append(el('new', { a: 1 }, el('b'), el('c', {}, 'd'))).remove();
      assert.equal(writeXml(document), xml);
      const last = element.elements.at(-1);
      if (last === undefined) return;
      element.insertBefore(el('new'), last).remove();
      element.insertAfter(el('new'), last).remove();
      assert.equal(writeXml(document), xml);
    }),
  );
});

/** Documents set out as libvirt or an editor sets them out. */
const anyPretty = fc
  .tuple(
    fc.constantFrom('\n', '\r\n'),
    fc.constantFrom('  ', '    ', '\t'),
    fc.array(fc.nat(5), { maxLength: 8 }),
  )
  .map(([newline, unit, plan]) => `${pretty(plan, newline, unit, '').trim()}${newline}`);

function pretty(plan: readonly number[], newline: string, unit: string, indent: string): string {
  const [size, ...rest] = plan;
  if (size === undefined || size === 0) return `${newline}${indent}<a/>`;
  if (size === 1) return `${newline}${indent}<a x='1'>text</a>`;
  const half = Math.ceil(rest.length / 2);
  const inner = [rest.slice(0, half), rest.slice(half)].map((part) =>
    pretty(part, newline, unit, indent + unit),
  );
  return `${newline}${indent}<a>${newline}${indent}${unit}<!-- c -->${inner.join('')}${newline}${indent}</a>`;
}

function pick(document: XmlDocument, choice: number): XmlElement {
  const elements = allOf(document.root);
  return elements[choice % elements.length] ?? document.root;
}
