import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import {
  XmlAttribute,
  XmlDocument as Libxml2Document,
  XmlElement as Libxml2Element,
  XmlText,
} from 'libxml2-wasm';
import { parseXml, selectXml } from '../../src/xml/index.ts';

const NAMESPACES = { p: 'urn:p' };

/** Each element has a number of its own, `n`, by which the two are compared. */
interface Draft {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  readonly children: readonly Draft[];
}

const anyDraft = fc.letrec<{ draft: Draft }>((tie) => ({
  draft: fc.record({
    name: fc.constantFrom('a', 'b', 'c', 'p:a', 'p:b'),
    attributes: fc.dictionary(fc.constantFrom('x', 'y', 'p:x'), fc.constantFrom('1', '2', 'v'), {
      maxKeys: 2,
    }),
    text: fc.constantFrom('', '', '1', '2', ' v '),
    children: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.constant([]),
      fc.array(tie('draft'), { minLength: 1, maxLength: 3 }),
    ),
  }),
})).draft;

function spell(draft: Draft, next: { n: number }): string {
  const { name, attributes, text, children } = draft;
  const own = Object.entries({ n: `${next.n++}`, ...attributes });
  const declared = next.n === 1 ? " xmlns:p='urn:p'" : '';
  const inner = text + children.map((child) => spell(child, next)).join('');
  return `<${name}${declared}${own.map(([key, value]) => ` ${key}='${value}'`).join('')}>${inner}</${name}>`;
}

const name = fc.constantFrom('a', 'b', 'c', '*', 'p:a', 'p:b', '..', '.');
const attribute = fc.constantFrom('@x', '@y', '@p:x', '@*', '@n');

const predicate = fc.letrec<{ value: string; path: string }>((tie) => ({
  path: fc.oneof(
    attribute,
    name,
    fc.constant('text()'),
    fc.tuple(name, attribute).map(([step, last]) => `${step}/${last}`),
    name.filter((step) => step !== '.' && step !== '..').map((step) => `.//${step}`),
  ),
  value: fc.oneof(
    { maxDepth: 2 },
    fc.nat(3).map(String),
    fc.constantFrom('last()', 'position()=2', 'position() < last()', 'position()!=1'),
    tie('path'),
    fc
      .tuple(
        tie('path'),
        fc.constantFrom('=', '!=', '<', '<=', '>', '>='),
        fc.constantFrom('1', "'v'", '2'),
      )
      .map((parts) => parts.join(' ')),
    fc.tuple(tie('path'), tie('path')).map(([left, right]) => `${left} = ${right}`),
    fc.tuple(tie('path'), fc.constantFrom('=', '>')).map(([path, by]) => `count(${path}) ${by} 1`),
    tie('path').map((path) => `contains(${path}, 'v')`),
    tie('path').map((path) => `starts-with(${path}, '1')`),
    tie('path').map((path) => `normalize-space(${path}) = 'v'`),
    fc.constantFrom("local-name() = 'a'", "name() = 'p:a'", "local-name(..)='b'"),
    tie('value').map((value) => `not(${value})`),
    fc
      .tuple(tie('value'), fc.constantFrom('and', 'or'), tie('value'))
      .map(([left, by, right]) => `(${left}) ${by} (${right})`),
  ),
})).value;

const step = fc
  .tuple(name, fc.array(predicate, { maxLength: 2 }))
  .map(([test_, predicates]) =>
    test_.startsWith('.') ? test_ : `${test_}${predicates.map((one) => `[${one}]`).join('')}`,
  );

const anyExpression = fc
  .tuple(
    fc.constantFrom('/', '//', '(//'),
    fc.array(fc.tuple(fc.constantFrom('/', '//'), step), { minLength: 1, maxLength: 3 }),
    fc.option(fc.oneof(attribute, fc.constant('text()'))),
    fc.nat(3),
  )
  .map(([start, steps, last, position]) => {
    const [, first = ''] = steps[0] ?? [];
    const path = [first, ...steps.slice(1).flat(), ...(last === null ? [] : ['/', last])].join('');
    return start === '(//' ? `(//${path})[${position}]` : `${start}${path}`;
  })
  .filter((expression) => !/\/\/\./.test(expression));

function ours(xml: string, expression: string): readonly string[] {
  return selectXml(parseXml(xml, 'random'), expression).map(({ kind, element, attribute: of }) => {
    const owner = element.attribute('n') ?? '';
    return kind === 'attribute' ? `${owner}@${of}` : `${owner} ${kind}`;
  });
}

function libxml2s(xml: string, expression: string): readonly string[] {
  using document = Libxml2Document.fromString(xml);
  return document.find(expression, NAMESPACES).flatMap((node) => {
    const owner = node instanceof Libxml2Element ? node : node.parent;
    const n = owner?.attr('n')?.value ?? '';
    if (node instanceof XmlAttribute)
      return [`${n}@${node.prefix === '' ? '' : `${node.prefix}:`}${node.name}`];
    if (node instanceof XmlText) return [`${n} text`];
    return node instanceof Libxml2Element ? [`${n} element`] : [];
  });
}

test('an expression matches what libxml2 says it matches, in the same order', () => {
  let matched = 0;
  fc.assert(
    fc.property(anyDraft, anyExpression, (draft, expression) => {
      const xml = spell(draft, { n: 0 });
      const found = ours(xml, expression);
      assert.deepEqual(found, libxml2s(xml, expression), `${expression} of ${xml}`);
      if (found.length > 0) matched++;
    }),
    { numRuns: 3000 },
  );
  assert.ok(matched > 100, 'some expressions match something');
});
