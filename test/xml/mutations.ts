import * as fc from 'fast-check';

/** What is put into a document, besides pieces of others. */
const PIECES = [
  '<',
  '>',
  '/>',
  '</',
  '&',
  ';',
  '"',
  "'",
  '=',
  ' ',
  '\n',
  ']',
  ']]>',
  '<!--',
  '-->',
  '<![CDATA[',
  '<?',
  '?>',
  '<!',
  ':',
  '&amp;',
  '&#0;',
  '&#xD800;',
  '&#x10FFFF;',
  '&lt',
  '\0',
  '\u0001',
  '\uFFFE',
  '\uFEFF',
  'xmlns',
  'xmlns:a="b"',
  '<a>',
  '</a>',
  '<a/>',
  'a=""',
  '😀',
  '\u0085',
  '\r',
];

interface Mutation {
  readonly kind: 'cut' | 'put' | 'repeat' | 'swap' | 'graft';
  readonly at: number;
  readonly length: number;
  readonly piece: string;
}

const anyMutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom('cut', 'put', 'repeat', 'swap', 'graft'),
  at: fc.nat(),
  length: fc.oneof({ weight: 4, arbitrary: fc.nat(8) }, fc.nat(400)),
  piece: fc.constantFrom(...PIECES),
});

/** One of the texts with a few things done to it; each stays a text of whole characters. */
export function anyMutant(texts: readonly string[]): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom(...texts),
      fc.constantFrom(...texts),
      fc.array(anyMutation, { minLength: 1, maxLength: 4 }),
    )
    .map(([text, other, mutations]) =>
      mutations.reduce((at, mutation) => mutated(at, other, mutation), text).toWellFormed(),
    );
}

function mutated(text: string, other: string, mutation: Mutation): string {
  const { kind, length, piece } = mutation;
  const start = mutation.at % (text.length + 1);
  const taken = text.slice(start, start + length);
  const [before, after] = [text.slice(0, start), text.slice(start + length)];
  switch (kind) {
    case 'cut':
      return before + after;
    case 'put':
      return before + piece + text.slice(start);
    case 'repeat':
      return before + taken + taken + after;
    case 'swap':
      return before + after.slice(0, length) + taken + after.slice(length);
    case 'graft': {
      const from = mutation.at % (other.length + 1);
      return before + other.slice(from, from + length) + after;
    }
  }
}
