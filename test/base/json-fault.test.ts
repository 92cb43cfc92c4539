import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { jsonFault } from '../../src/base/json-fault.ts';

test('JSON has no fault, however it is indented', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 2 }), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      assert.equal(jsonFault(text), text.length);
    }),
  );
});

test('a text that has a fault before its end is no JSON', () => {
  const damaged = fc
    .tuple(fc.jsonValue(), fc.nat(), fc.constantFrom('x', '}', ',', '"', ''))
    .map(([value, where, by]) => {
      const text = JSON.stringify(value);
      const at = where % text.length;
      return text.slice(0, at) + by + text.slice(at + 1);
    });
  fc.assert(
    fc.property(damaged, (text) => {
      assert.equal(jsonFault(text) < text.length && isJson(text), false);
    }),
    { numRuns: 1000 },
  );
});

const FAULTS: readonly (readonly [string, number])[] = [
  ['', 0],
  ['at,vcpus', 0],
  ['{"a": 1,}', 8],
  ['{"a": 1 "b": 2}', 8],
  ['{"a" 1}', 1],
  ['[1, 2', 5],
  ['[1, 02]', 5],
  ['[1] 2', 4],
  ['[{"a": [1, x]}]', 11],
  ["['a']", 1],
];
for (const [text, at] of FAULTS) {
  test(`the fault of ${text === '' ? 'nothing' : text} is at ${at}`, () => {
    assert.equal(jsonFault(text), at);
  });
}

test('strings and keys of millions of letters are read', () => {
  const long = `"${'a'.repeat(10_000_000)}\\n"`;
  for (const text of [`[${long}, x]`, `{${long}: x}`])
    assert.equal(jsonFault(text), text.length - 2);
  assert.equal(jsonFault(`[${long.slice(0, -1)}`), 1);
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
