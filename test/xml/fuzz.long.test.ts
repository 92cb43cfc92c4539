import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { isBerthError } from '../../src/base/errors.ts';
import { parseXmlBytes } from '../../src/cli/xml-source.ts';
import { fixtures, readAny } from './kinds.ts';
import { anyMutant } from './mutations.ts';
import { isIncomparable, libxml2Refusal, ourRefusal } from './oracle.ts';

// Every run has seeds of its own; a failure prints the one to repeat it with.

const texts = fixtures().map(({ text }) => text);

test('thirty thousand mutants are taken for what libxml2 takes them', () => {
  const plain = texts.filter((text) => !text.startsWith('<?xml'));
  fc.assert(
    fc.property(anyMutant(plain), (text) => {
      fc.pre(!text.includes('<!DOCTYPE'));
      const ours = ourRefusal(text);
      const theirs = libxml2Refusal(text);
      fc.pre(!isIncomparable(ours, theirs));
      assert.equal(ours === undefined, theirs === undefined, `ours: ${ours}; libxml2: ${theirs}`);
    }),
    { numRuns: 30_000 },
  );
});

test('a mutant that is well-formed is read, or the value that cannot be is named', () => {
  fc.assert(
    fc.property(anyMutant(texts), (text) => {
      fc.pre(ourRefusal(text) === undefined);
      try {
        readAny(text);
      } catch (error) {
        if (error instanceof Error && error.message.startsWith('nothing reads')) return;
        assert.ok(isBerthError(error), String(error));
        assert.ok(['BERTH_SPEC_INVALID', 'BERTH_RANGE'].includes(error.code), error.message);
      }
    }),
    { numRuns: 10_000 },
  );
});

test('every document cut off at every byte is refused with a place', () => {
  for (const text of texts) {
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
