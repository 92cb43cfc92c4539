import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { after, test } from 'node:test';
import type { XmlCheck } from '../../src/cli/xml-check.ts';
import { XML_LENGTH_MAX } from '../../src/xml/index.ts';
import { schemaSkip } from '../xml/kinds.ts';
import { runLine, type Ran, type RunOptions } from './run-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'berth-xml-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function xml(...argv: readonly string[]): Promise<Ran> {
  return runXml(argv, {});
}

async function runXml(argv: readonly string[], options: Partial<RunOptions>): Promise<Ran> {
  return runLine(['xml', ...argv], { socket: '/nonexistent', ...options });
}

async function check(...argv: readonly string[]): Promise<readonly XmlCheck[]> {
  const { stdout } = await xml('check', '--json', ...argv);
  return JSON.parse(stdout) as readonly XmlCheck[];
}

const NETWORK = "<network>\r\n  <name>lan</name>\r\n  <bridge name='br9'/>\r\n</network>\r\n";

test('a good document is well-formed, unchanged and valid', { skip: schemaSkip }, async () => {
  const path = file('good.xml', NETWORK);
  const known = { wellFormed: true, identical: true, valid: true };
  assert.deepEqual(await check(path), [{ file: path, root: 'network', ...known }]);
  const { status, stdout, stderr } = await xml('check', path);
  assert.equal(stdout, `${path}: network, well-formed, written back unchanged, valid\n`);
  assert.deepEqual([status, stderr], [0, '']);
});

test('standard input is checked and set under the name -', { skip: schemaSkip }, async () => {
  const checked = await runXml(['check', '-', '--json'], { stdin: NETWORK });
  assert.equal((JSON.parse(checked.stdout) as readonly XmlCheck[])[0]?.file, '-');
  const set = await runXml(['set', '-', '/network/name', 'dmz'], { stdin: NETWORK });
  assert.deepEqual([set.status, set.stdout], [0, NETWORK.replace('lan', 'dmz')]);
  const twice = await runXml(['check', '-', '-'], { stdin: NETWORK });
  assert.equal(twice.status, 2);
  assert.match(twice.stderr, /can be read once/);
});

test('what the schema refuses is told with the smallest piece', { skip: schemaSkip }, async () => {
  const cases: readonly (readonly [xml: string, line: number, column: number, said: RegExp])[] = [
    [NETWORK.replace("'br9'", "'br9' colour='red'"), 3, 3, /^colour="red" is not allowed/],
    [NETWORK.replace('<bridge', '<brige'), 3, 3, /^<brige> is not allowed/],
    [NETWORK.replace('<name>lan</name>', ''), 1, 1, /./],
  ];
  for (const [text, line, column, said] of cases) {
    const path = file('invalid.xml', text);
    const [found] = await check(path);
    assert.deepEqual([found?.wellFormed, found?.identical, found?.valid], [true, true, false]);
    assert.deepEqual([found?.error?.line, found?.error?.column], [line, column], text);
    assert.match(found?.error?.message ?? '', said);
    const { status, stdout } = await xml('check', path);
    assert.equal(status, 2);
    assert.ok(stdout.startsWith(`${path}:${line}:${column}: not valid by libvirt's schema: `));
  }
});

test('what libxml2 alone does not read is told as such', { skip: schemaSkip }, async () => {
  for (const subset of ['<!ENTITY foo >', ' garbage ']) {
    const [found] = await check(file('doctype.xml', `<!DOCTYPE network [${subset}]>\n${NETWORK}`));
    assert.deepEqual([found?.wellFormed, found?.valid, found?.error?.line], [false, null, 1]);
    assert.equal(found?.error?.code, 'BERTH_XML_INVALID');
    assert.match(found?.error?.message ?? '', /libxml2 does not read it/);
  }
  const long = NETWORK.replace('lan', 'x'.repeat(11_000_000));
  const [found] = await check(file('long.xml', long));
  assert.deepEqual([found?.wellFormed, found?.valid, found?.error], [true, null, undefined]);
  assert.match(found?.notValidated ?? '', /libxml2 does not read it/);
});

test('a document of a kind, or on a host, without schema is not validated', async () => {
  const path = file('network.xml', NETWORK);
  const [none] = await check('--schemas', join(folder, 'nothing'), path);
  assert.deepEqual([none?.wellFormed, none?.identical, none?.valid], [true, true, null]);
  const said = await xml('check', '--schemas', join(folder, 'nothing'), path);
  assert.match(said.stdout, /not validated \(no schemas of libvirt are in /);
  assert.equal(said.status, 0);
  const other = file('hello.xml', '<hello/>');
  assert.match((await xml('check', other)).stdout, /libvirt has no schema for <hello>/);
});

test('a schema that cannot be read is an error of its own', async () => {
  file('network.rng', '<grammar><nonsense/></grammar>');
  const [found] = await check('--schemas', folder, file('network.xml', NETWORK));
  assert.equal(found?.error?.code, 'BERTH_FACTS_INVALID');
  assert.match(found?.error?.message ?? '', /network\.rng: /);
});

const WIDE = Buffer.from('<a/>', 'utf16le');

/** What no XML parser of ours reads, with the place and what is said of it. */
const ILL: readonly (readonly [
  name: string,
  content: string | Uint8Array,
  line: number,
  column: number,
  said: RegExp,
])[] = [
  ['empty', '', 1, 1, /root element/],
  ['white space', ' \n', 1, 2, /root element/],
  ['cut off', '<a>\n<b', 2, 3, /./],
  ['a wrong end tag', '<a>\n  <b></a>', 2, 6, /cannot close <b>, opened at 2:3/],
  ['two roots', '<a/><b/>', 1, 5, /./],
  ['a bare ampersand in an attribute', "<a>\n<b c='d&e'/></a>", 2, 8, /write &amp;/],
  ['a bare ampersand in a text', '<a>\n<b>d & e</b></a>', 2, 6, /write &amp;/],
  ['a reference to no character', '<a>b&#0;</a>', 1, 5, /no character/],
  ['a declaration behind a line end', "\n<?xml version='1.0'?><a/>", 2, 1, /declaration/],
  ['two marks', '\uFEFF\uFEFF<a/>', 1, 2, /byte order mark/],
  ['an entity of its own', "<!DOCTYPE a [<!ENTITY x 'y'>]>\n<a>&x;</a>", 2, 4, /not expanded/],
  ['an unknown entity', '<a>\n&x;</a>', 2, 1, /entity/],
  ['an undeclared prefix', '<p:a/>', 1, 6, /prefix|namespace/],
  ['latin 1', Buffer.from('<?xml version="1.0" encoding="latin1"?><a/>'), 1, 31, /latin1/],
  ['bytes that are no UTF-8', Buffer.from('<a>\n\u00e9\ufffd\xff</a>', 'latin1'), 2, 1, /no UTF-8/],
  ['UTF-16 with a mark', Buffer.concat([Buffer.from([0xff, 0xfe]), WIDE]), 1, 1, /UTF-16/],
  ['UTF-16 without one', WIDE, 1, 1, /UTF-16/],
  ['UTF-32', Buffer.from([0, 0, 0, 0x3c, 0, 0, 0, 0x61]), 1, 1, /UTF-32/],
  ['a null byte', '<a>\0</a>', 1, 4, /character/],
  ['a program', Buffer.from('\x7fELF\x02\x01\x01\0\0\0\0', 'latin1'), 1, 5, /./],
];

test('what is not well-formed is told with its line and column', async () => {
  for (const [name, content, line, column, said] of ILL) {
    const path = file('ill.xml', content);
    const [found] = await check(path);
    assert.deepEqual(
      [found?.wellFormed, found?.identical, found?.valid],
      [false, false, null],
      name,
    );
    assert.deepEqual([found?.error?.line, found?.error?.column], [line, column], name);
    assert.match(found?.error?.message ?? '', said, name);
    const plain = await xml('check', path);
    assert.equal(plain.status, 2, name);
    assert.ok(
      plain.stdout.startsWith(`${path}:${line}:${column}: not well-formed: `),
      plain.stdout,
    );
    const set = await xml('set', path, '/a', 'x');
    assert.deepEqual([set.status, set.stdout], [2, ''], name);
    assert.ok(set.stderr.startsWith(`berth: ${path}:${line}:${column}: `), set.stderr);
    assert.doesNotMatch(set.stderr, /\n {4}at /, name);
  }
});

test('what cannot be read is told for itself, and the other files are checked', async () => {
  const secret = file('secret.xml', NETWORK);
  chmodSync(secret, 0);
  const good = file('good.xml', NETWORK);
  const huge = file('huge.xml', `<a>${' '.repeat(XML_LENGTH_MAX)}</a>`);
  const found = await check(join(folder, 'none.xml'), folder, '/dev/zero', huge, good);
  assert.deepEqual(
    found.map(({ error }) => error?.code),
    ['BERTH_USAGE', 'BERTH_USAGE', 'BERTH_TOO_LARGE', 'BERTH_TOO_LARGE', undefined],
  );
  for (const { error, wellFormed, identical, valid } of found.slice(0, 4)) {
    assert.deepEqual([error?.line, error?.column], [null, null]);
    assert.deepEqual([wellFormed, identical, valid], [null, null, null]);
  }
  const said = await xml('check', folder);
  assert.deepEqual([said.status, said.stderr], [2, '']);
  assert.equal(said.stdout, `${folder}: not read: cannot read ${folder}: it is a folder\n`);
  assert.match((await xml('check', '')).stdout, /^'': not read: cannot read '': /);
  if (process.getuid?.() !== 0) assert.equal((await check(secret))[0]?.error?.code, 'BERTH_USAGE');
});

test('a document that declares ASCII is read where it is, and stays so', async () => {
  const text = '<?xml version="1.0" encoding="US-ASCII"?>\n<a>b</a>\n';
  const path = file('ascii.xml', text);
  assert.equal((await check(path))[0]?.wellFormed, true);
  assert.equal((await xml('set', path, '/a', 'c')).stdout, text.replace('b</a>', 'c</a>'));
  const wide = await xml('set', path, '/a', 'ü');
  assert.deepEqual([wide.status, wide.stdout], [2, '']);
  const [found] = await check(file('wide.xml', text.replace('b</a>', 'ü</a>')));
  assert.deepEqual([found?.wellFormed, found?.error?.line, found?.error?.column], [false, 1, 31]);
});

test('a file without a name of its own cannot confuse a terminal', async () => {
  const path = file('\u001b[31mred\n.xml', '<a>');
  const { stdout } = await xml('check', path);
  assert.ok(stdout.includes('\\x1b[31mred\\x0a.xml:1:4: '), stdout);
  assert.equal(stdout.split('\n').length, 2);
});

test('set prints the document with one place changed, mark and line ends kept', async () => {
  const text = `\uFEFF${NETWORK}`;
  const path = file('mark.xml', text);
  const set = await xml('set', path, '/network/bridge/@name', 'br"0');
  assert.deepEqual([set.status, set.stderr], [0, '']);
  assert.equal(
    set.stdout,
    text.replace('br9', () => 'br"0'),
  );
  const added = await xml('set', '--add', path, '/network/bridge/@stp', 'on');
  assert.equal(added.stdout, text.replace("'br9'", "'br9' stp='on'"));
  const json = await xml('set', path, '/network/name', '--json', '--', '-5');
  assert.deepEqual(JSON.parse(json.stdout), { file: path, xml: text.replace('lan', '-5') });
});

test('set refuses what leads to no one place, says which, and prints no document', async () => {
  const path = file('network.xml', NETWORK);
  const cases: readonly (readonly [xpath: string, said: RegExp])[] = [
    ['/network/mtu', /matches nothing/],
    ['/network/bridge/@stp', /matches nothing[^]*--add/],
    ['/network/*', /matches 2 places \(line:column 2:3, 3:3\)/],
    ['/network', /holds other elements/],
    ['/network[', /a step is missing, at character 10/],
    ['name(/network)', /at character 1/],
  ];
  for (const [xpath, said] of cases) {
    const { status, stdout, stderr } = await xml('set', path, xpath, 'x');
    assert.deepEqual([status, stdout], [2, ''], xpath);
    assert.match(stderr, said);
    const json = await xml('set', '--json', path, xpath, 'x');
    const { code, data } = JSON.parse(json.stdout) as { code: string; data: { why: string } };
    assert.equal(code, 'BERTH_XPATH');
    assert.ok(['nothing', 'several', 'subset', 'not text'].includes(data.why));
  }
  const control = await xml('set', path, '/network/name', 'a\u0007');
  assert.match(control.stderr, /U\+0007 cannot stand in XML/);
});

test('nobody reading the answer is no error', async () => {
  const gone = new Writable({
    write: (_chunk, _encoding, done) =>
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
  });
  const path = file('network.xml', NETWORK);
  for (const argv of [
    ['check', path],
    ['set', path, '/network/name', 'x'],
  ]) {
    const ran = await runXml(argv, { stdout: gone });
    assert.deepEqual([ran.status, ran.stderr], [0, '']);
  }
});

test('Ctrl-C ends the wait for standard input', async () => {
  const stop = new AbortController();
  const ran = runXml(['check', '-'], { input: new PassThrough(), signal: stop.signal });
  stop.abort();
  assert.equal((await ran).status, 130);
});

test('Ctrl-C ends the wait for a named pipe, and one with a writer is read', async () => {
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  const stop = new AbortController();
  const waits = runXml(['check', path], { signal: stop.signal });
  stop.abort();
  assert.equal((await waits).status, 130);
  const reads = xml('set', path, '/network/name', 'dmz');
  await writeFile(path, NETWORK);
  assert.equal((await reads).stdout, NETWORK.replace('lan', 'dmz'));
});

test('Tab offers files where files fit', async () => {
  const offered = async (...words: readonly string[]): Promise<string> =>
    (await runLine(['__complete', '--', 'xml', ...words], { socket: '/nonexistent' })).stdout;
  assert.equal(await offered(''), 'check\nset\n');
  assert.equal(await offered('check', ''), ':files\n');
  assert.equal(await offered('check', 'a.xml', ''), ':files\n');
  assert.equal(await offered('check', '--schemas', ''), ':files\n');
  assert.equal(await offered('set', 'a'), ':files\n');
  assert.equal(await offered('set', 'a.xml', ''), '');
  assert.equal(await offered('set', '--a'), '--add\n');
});
