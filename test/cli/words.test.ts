import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ageText } from '../../src/cli/age.ts';
import { cut } from '../../src/cli/block.ts';
import { lookOf } from '../../src/cli/look.ts';
import { nearest } from '../../src/cli/nearest.ts';
import { jsonText, printable, printableText } from '../../src/cli/printable.ts';
import { tableLines } from '../../src/cli/table.ts';
import { textWidth } from '../../src/cli/text-width.ts';
import stringWidth from 'string-width';
import { PassThrough } from 'node:stream';

test('a near miss finds the word that was meant, and a far one finds none', () => {
  const known = ['hello', 'web1', 'web2', 'database'];
  assert.equal(nearest('helo', known), 'hello');
  assert.equal(nearest('hlelo', known), 'hello');
  assert.equal(nearest('web', known), 'web1');
  assert.equal(nearest('databaes', known), 'database');
  assert.equal(nearest('mail', known), undefined);
  assert.equal(nearest('', known), undefined);
  assert.equal(nearest('x', []), undefined);
});

test('nothing that a terminal obeys comes through, and all else is unchanged', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const shown = printableText(text);
      // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
      assert.doesNotMatch(shown, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
    }),
  );
  assert.equal(printableText('naïve 日本 ok'), 'naïve 日本 ok');
  assert.equal(printableText('a\u001b[2Jb\n'), 'a\\x1b[2Jb\\x0a');
});

test('printable reaches keys and values at every depth', () => {
  const resource = { labels: { 'a\u0007': ['x\u009b', 1, null, true] } };
  assert.deepEqual(printable(resource), { labels: { 'a\\x07': ['x\\x9b', 1, null, true] } });
});

test('JSON is one document that means the same and is safe to look at', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = jsonText(value);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(value)));
      // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
      assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    }),
  );
});

test('colours follow NO_COLOR, FORCE_COLOR and the terminal', () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 100 });
  const pipe = new PassThrough();
  const colours = (stream: PassThrough, env: Record<string, string>): number =>
    lookOf(stream, env).colours;
  assert.equal(colours(terminal, { TERM: 'xterm-256color' }), 256);
  assert.equal(colours(terminal, { TERM: 'linux' }), 16);
  assert.equal(colours(terminal, { TERM: 'linux', COLORTERM: 'truecolor' }), 256);
  assert.equal(colours(terminal, { TERM: 'dumb' }), 0);
  assert.equal(colours(terminal, { TERM: 'xterm', NO_COLOR: '1' }), 0);
  assert.equal(colours(terminal, { TERM: 'xterm', NO_COLOR: '' }), 16);
  assert.equal(colours(terminal, { TERM: 'xterm', FORCE_COLOR: '0' }), 0);
  assert.equal(colours(pipe, { TERM: 'xterm-256color' }), 0);
  assert.equal(colours(pipe, { FORCE_COLOR: '1' }), 16);
  assert.equal(colours(pipe, { FORCE_COLOR: '2' }), 256);
  assert.equal(colours(pipe, { FORCE_COLOR: '1', NO_COLOR: '1' }), 0);
});

test('line drawing needs a UTF-8 locale, the first variable that is set deciding', () => {
  const unicode = (env: Record<string, string>): boolean => lookOf(new PassThrough(), env).unicode;
  assert.equal(unicode({ LANG: 'de_DE.UTF-8' }), true);
  assert.equal(unicode({ LANG: 'C.utf8' }), true);
  assert.equal(unicode({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' }), false);
  assert.equal(unicode({ LC_ALL: '', LC_CTYPE: 'C.UTF-8' }), true);
  assert.equal(unicode({}), false);
});

test('the width is the terminal’s, else COLUMNS, else 80, and never absurdly small', () => {
  const columns = (told: number | undefined, env: Record<string, string>): number => {
    const stream = new PassThrough();
    return lookOf(told === undefined ? stream : Object.assign(stream, { columns: told }), env)
      .columns;
  };
  assert.equal(columns(132, {}), 132);
  assert.equal(columns(undefined, { COLUMNS: '100' }), 100);
  assert.equal(columns(undefined, { COLUMNS: 'wide' }), 80);
  assert.equal(columns(0, {}), 80);
  assert.equal(columns(10, {}), 60);
});

test('tables align by what is seen: wide letters and colours count as their width', () => {
  const columns = [{ title: 'NAME' }, { title: 'N', align: 'right' }] as const;
  const rows = [
    ['日本', '1'],
    ['\u001b[32mab\u001b[39m', '10'],
  ];
  assert.deepEqual(
    tableLines(columns, rows, (text) => text),
    ['NAME   N', '日本   1', '\u001b[32mab\u001b[39m    10'],
  );
});

test('text is as wide as the terminal draws it, the short way and the long way', () => {
  const drawn = fc.string({
    unit: fc.constantFrom('a', ' ', '·', '×', '≈', '─', '┃', '█', '■', '\u001b[1m', '日', '👍'),
    maxLength: 12,
  });
  const letters = fc.oneof(drawn, fc.string({ unit: 'grapheme' }));
  fc.assert(fc.property(letters, (text) => assert.equal(textWidth(text), stringWidth(text))));
  assert.equal(textWidth('\u001b[38;5;114m■■\u001b[0m×2'), 4);
});

test('text is cut at whole letters', () => {
  assert.equal(cut('hello', 5), 'hello');
  assert.equal(cut('hello', 4), 'hel~');
  assert.equal(cut('日本語', 4), '日~');
  assert.equal(cut('hello', 1), '');
});

test('ages are told in their largest unit', () => {
  const texts = [0, 999, 1000, 59_999, 60_000, 3_600_000, 86_400_000 * 2].map((ago) =>
    ageText(1_000_000_000 - ago, 1_000_000_000),
  );
  assert.deepEqual(texts, [
    'just now',
    'just now',
    '1 s ago',
    '59 s ago',
    '1 min ago',
    '1 h ago',
    '2 d ago',
  ]);
  assert.equal(ageText(2000, 1000), 'just now');
});
