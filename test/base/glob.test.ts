import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesGlob } from '../../src/base/glob.ts';

test('a star takes any characters, a question mark one, and the rest stands for itself', () => {
  const cases: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
    ['web*', 'web-1', true],
    ['web*', 'my-web', false],
    ['*web*', 'my-web-1', true],
    ['db?', 'db1', true],
    ['db?', 'db', false],
    ['', '', true],
    ['*', '', true],
    ['a.c', 'abc', false],
    ['*ab', 'aab', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
  ];
  for (const [pattern, text, matches] of cases) {
    assert.equal(matchesGlob(pattern, text), matches, `${pattern} on ${text}`);
  }
});

test('it says what the same pattern says as a regular expression', () => {
  const word = (...chars: string[]) => fc.string({ unit: fc.constantFrom(...chars), maxLength: 8 });
  fc.assert(
    fc.property(word('a', 'b', '*', '?'), word('a', 'b'), (pattern, text) => {
      const same = pattern.replaceAll('*', '.*').replaceAll('?', '.');
      assert.equal(matchesGlob(pattern, text), new RegExp(`^${same}$`).test(text));
    }),
  );
});

test('many stars on a long text that does not match are answered all the same', () => {
  assert.equal(matchesGlob(`${'*a'.repeat(120)}*b`, 'a'.repeat(255)), false);
});
