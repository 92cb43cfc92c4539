import * as fc from 'fast-check';
import type { XmlElement } from '../../src/xml/index.ts';

/** What an element means, however it is spelled; neighbouring texts are one. */
export interface Shape {
  readonly name: string;
  readonly attributes: readonly (readonly [string, string])[];
  readonly content: readonly (Shape | string)[];
}

interface Spelled<T> {
  readonly xml: string;
  readonly value: T;
}

export function shapeOf(element: XmlElement): Shape {
  return {
    name: element.name,
    attributes: element.attributes.map(({ name, value }) => [name, value] as const),
    content: joined(
      element.children.flatMap((node): (Shape | string)[] => {
        if (node.kind === 'element') return [shapeOf(node)];
        return node.kind === 'text' || node.kind === 'cdata' ? [node.value] : [];
      }),
    ),
  };
}

function joined(parts: readonly (Shape | string)[]): readonly (Shape | string)[] {
  const out: (Shape | string)[] = [];
  for (const part of parts) {
    const last = out.at(-1);
    if (typeof part === 'string' && typeof last === 'string') out[out.length - 1] = last + part;
    else if (part !== '') out.push(part);
  }
  return out;
}

const spell = (xml: string, value: string): Spelled<string> => ({ xml, value });
const pieces = (...from: Spelled<string>[]): fc.Arbitrary<Spelled<string>> =>
  fc
    .array(fc.constantFrom(...from), { maxLength: 6 })
    .map((list) => spell(list.map((p) => p.xml).join(''), list.map((p) => p.value).join('')));

const COMMON = [
  spell('abc', 'abc'),
  spell('&amp;', '&'),
  spell('&lt;', '<'),
  spell('&gt;', '>'),
  spell('&apos;', "'"),
  spell('&quot;', '"'),
  spell('&#13;', '\r'),
  spell('&#x1F600;', '😀'),
  spell('😀', '😀'),
  spell('é\u0085\u2028', 'é\u0085\u2028'),
  spell('\uFEFF', '\uFEFF'),
];

const text = pieces(
  ...COMMON,
  spell('\n  ', '\n  '),
  spell('\r\n\t', '\n\t'),
  spell('\rx', '\nx'),
  spell('"\'', '"\''),
  spell('] ]>', '] ]>'),
);

const cdata = pieces(
  spell('<a>&amp;', '<a>&amp;'),
  spell(']] >', ']] >'),
  spell('\r\n', '\n'),
  spell('😀', '😀'),
).map(({ xml, value }) => spell(`<![CDATA[${xml}]]>`, value));

const markup = fc.constantFrom(
  '<!---->',
  '<!-- <a b="c"> &x; - -->',
  '<?pi?>',
  '<?pi a="?" ??>',
  '<!--😀\r\n-->',
);

const blank = fc.constantFrom('', ' ', '\n  ', '\r\n\t');
const gap = fc.constantFrom(' ', '  ', '\n      ', '\r\n\t');

const attributeValue = fc
  .constantFrom("'", '"')
  .chain((quote) =>
    pieces(
      ...COMMON,
      spell('\n', ' '),
      spell('\r\n', ' '),
      spell('\t', ' '),
      spell('&#10;', '\n'),
      spell('>', '>'),
      quote === '"' ? spell("'", "'") : spell('"', '"'),
    ).map(({ xml, value }) => spell(`${quote}${xml}${quote}`, value)),
  );

const attributes = fc
  .uniqueArray(
    fc.constantFrom('a', 'b', 'c-1', 'p:x', 'xml:lang', 'constructor', '__proto__', '名'),
    {
      maxLength: 4,
    },
  )
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.tuple(gap, blank, blank, attributeValue).map(([lead, before, after, value]) => ({
          xml: `${lead}${name}${before}=${after}${value.xml}`,
          value: [name, value.value] as const,
        })),
      ),
    ),
  );

const { element } = fc.letrec<{ element: Spelled<Shape>; content: Spelled<Shape | string> }>(
  (tie) => ({
    content: fc.oneof(
      { maxDepth: 4 },
      text,
      cdata,
      markup.map((xml) => spell(xml, '')),
      tie('element'),
    ),
    element: fc
      .record({
        name: fc.constantFrom('disk', 'a', 'p:q', 'cpu.x-1', '語'),
        attributes,
        content: fc.array(tie('content'), { maxLength: 4 }),
        startTail: blank,
        endTail: blank,
        short: fc.boolean(),
      })
      .map(({ name, attributes, content, startTail, endTail, short }) => {
        const start = `<${name}${attributes.map((a) => a.xml).join('')}${startTail}`;
        const inner = content.map((part) => part.xml).join('');
        return {
          xml:
            short && content.length === 0 ? `${start}/>` : `${start}>${inner}</${name}${endTail}>`,
          value: {
            name,
            attributes: attributes.map((a) => a.value),
            content: joined(content.map((part) => part.value)),
          },
        };
      }),
  }),
);

const outside = fc
  .array(fc.oneof(markup, fc.constantFrom('\n', '\r\n', ' \t')), { maxLength: 3 })
  .map((parts) => parts.join(''));

/** A random well-formed document with odd spellings, and what its root means. */
export const anyDocument: fc.Arbitrary<{ readonly xml: string; readonly root: Shape }> = fc
  .record({
    mark: fc.constantFrom('', '\uFEFF'),
    declaration: fc.constantFrom(
      '',
      "<?xml version='1.0'?>",
      '<?xml version="1.1" encoding="x" ?>\r\n',
    ),
    before: outside,
    doctype: fc.constantFrom(
      '',
      '<!DOCTYPE root>',
      '<!DOCTYPE r [ <!ENTITY e "<>"> <!-- > --> ]  >\n',
    ),
    between: outside,
    start: gap,
    content: fc.array(element, { maxLength: 3 }),
    after: outside,
  })
  .map((d) => ({
    xml: `${d.mark}${d.declaration}${d.before}${d.doctype}${d.between}<root${d.start}xmlns:p='urn:p'>${d.content.map((c) => c.xml).join('')}</root>${d.after}`,
    root: {
      name: 'root',
      attributes: [['xmlns:p', 'urn:p']],
      content: d.content.map((c) => c.value),
    },
  }));
