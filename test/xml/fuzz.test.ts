import assert from 'node:assert/strict';
import test from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import { isBerthError } from '../../src/base/errors.ts';
import { parseXmlBytes } from '../../src/cli/xml-source.ts';
import {
  ELEMENT_DEPTH_MAX,
  parseXml,
  selectXml,
  writeXml,
  XML_LENGTH_MAX,
} from '../../src/xml/index.ts';
import { fixtures } from './kinds.ts';
import { anyMutant } from './mutations.ts';
import { isIncomparable, libxml2Refusal, ourRefusal } from './oracle.ts';

/** What the slowest machine needs by far for the largest document. */
const SECONDS_MAX = 30;

const texts = fixtures()
  .map(({ text }) => text)
  // libxml2 knows encodings by name, which a declaration may come to name after a mutation.
  .filter((text) => !text.startsWith('<?xml'));

test('a mutated document is accepted only where libxml2 accepts it, and then comes back whole', () => {
  let accepted = 0;
  fc.assert(
    fc.property(anyMutant(texts), (text) => {
      fc.pre(!text.includes('<!DOCTYPE'));
      const ours = ourRefusal(text);
      const theirs = libxml2Refusal(text);
      fc.pre(!isIncomparable(ours, theirs));
      assert.equal(ours === undefined, theirs === undefined, `ours: ${ours}; libxml2: ${theirs}`);
      if (ours === undefined) accepted++;
    }),
  );
  assert.ok(accepted > 0, 'some mutants stay well-formed');
});

test('a document cut off at any byte is refused with a place', () => {
  const whole = texts.filter(({ length }) => length < 1200);
  assert.ok(whole.length > 10);
  for (const text of whole) {
    const bytes = Buffer.from(text.trimEnd());
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      assert.throws(
        () => parseXmlBytes(cut, 'cut'),
        (error) => isBerthError(error, 'BERTH_XML_INVALID') && error.data.line >= 1,
      );
    }
  }
});

test('any bytes at all are read or refused with a place', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.string({ unit: 'binary' }).map((text) => Buffer.from(text)),
      ),
      (bytes) => {
        try {
          const document = parseXmlBytes(Buffer.concat([Buffer.from('<a>'), bytes]), 'bytes');
          assert.deepEqual(Buffer.from(writeXml(document)).subarray(3), Buffer.from(bytes));
        } catch (error) {
          assert.ok(isBerthError(error, 'BERTH_XML_INVALID'), String(error));
        }
      },
    ),
  );
});

test('any text at all as an expression finds something, nothing, or is refused', () => {
  const document = parseXml(texts[0] ?? '', 'test');
  const word = fc.constantFrom(
    '/',
    '//',
    '@',
    '[',
    ']',
    '(',
    ')',
    '=',
    'a',
    'disk',
    '*',
    '..',
    '.',
    "'x'",
    '1',
    'not',
    'last()',
    ' or ',
    ':',
    ',',
    '<',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(word).map((words) => words.join('')),
      ),
      (expression) => {
        try {
          assert.ok(Array.isArray(selectXml(document, expression)));
        } catch (error) {
          assert.ok(isBerthError(error, 'BERTH_XPATH'), String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});

const BILLION_LAUGHS = `<!DOCTYPE lolz [<!ENTITY l0 "lol">${Array.from(
  { length: 30 },
  (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`,
).join('')}]><lolz>&l30;</lolz>`;

const MILLION = 1_000_000;

/** Documents made to take long or much, and what is said of them; undefined for nothing. */
const HOSTILE: Readonly<Record<string, readonly [text: string, refusal: RegExp | undefined]>> = {
  'a billion laughs': [BILLION_LAUGHS, /no entity of XML/],
  'an entity of a file': [
    '<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>',
    /entity/,
  ],
  'a million elements inside each other': ['<a>'.repeat(MILLION), /more than 256 deep/],
  'as many as may be': [
    '<a>'.repeat(ELEMENT_DEPTH_MAX) + '</a>'.repeat(ELEMENT_DEPTH_MAX),
    undefined,
  ],
  'one more': ['<a>'.repeat(ELEMENT_DEPTH_MAX + 1), /more than 256 deep/],
  'very many elements side by side': [`<a>${'<b/>'.repeat(MILLION / 4)}</a>`, undefined],
  'an attribute of megabytes': [`<a b='${'x'.repeat(8 * MILLION)}'/>`, undefined],
  'many attributes': [
    `<a${Array.from({ length: 50_000 }, (_, i) => ` a${i}='1'`).join('')}/>`,
    undefined,
  ],
  'one attribute many times': [`<a${" a='1'".repeat(100_000)}/>`, /duplicate attribute/],
  'a name of megabytes': [`<${'a'.repeat(5 * MILLION)}/>`, undefined],
  'a million references': [`<a>${'&#65;'.repeat(MILLION)}</a>`, undefined],
  'a comment without end': [`<a><!--${'-'.repeat(5 * MILLION)}`, /./],
  'an instruction without end': [`<?${'a'.repeat(5 * MILLION)}`, /./],
  'a DOCTYPE of megabytes': [`<!DOCTYPE a${' '.repeat(5 * MILLION)}><a/>`, undefined],
  'white space of megabytes in a tag': [`<a ${' '.repeat(5 * MILLION)}b='1'/>`, undefined],
  'megabytes of line ends': [`<a>${'\r\n'.repeat(3 * MILLION)}</b>`, /3000001:1: .*cannot close/],
  'too long a document': [`<a>${' '.repeat(XML_LENGTH_MAX)}</a>`, /more than the limit/],
};

for (const [name, [text, refusal]] of Object.entries(HOSTILE)) {
  test(`${name}: read or refused at once`, () => {
    const start = performance.now();
    const said = saidOf(text);
    const seconds = (performance.now() - start) / 1000;
    if (refusal === undefined) assert.equal(said, undefined);
    else assert.match(said ?? 'accepted', refusal);
    assert.ok(seconds < SECONDS_MAX, `it took ${seconds} s`);
  });
}

function saidOf(text: string): string | undefined {
  try {
    assert.equal(writeXml(parseXml(text, 'hostile')), text);
    return undefined;
  } catch (error) {
    if (isBerthError(error)) return error.message;
    throw error;
  }
}

test('documents that are refused leave nothing in memory', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapMb = (): number => {
    collect();
    return process.memoryUsage().heapUsed / 1e6;
  };
  const refuse = (i: number): unknown => saidOf(`<a><!--${i}${'x'.repeat(100_000)}--><b></a>`);
  refuse(0);
  const before = heapMb();
  for (let i = 0; i < 200; i++) refuse(i);
  const grown = heapMb() - before;
  assert.ok(grown < 10, `200 refused documents of 100 kB leave ${grown} MB`);
});
