import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { terminalPicture } from '../scripts/terminal-picture.ts';

/** Rooms and what they may import, as docs/architecture.md says. */
const table = new Map(
  [
    ...readFileSync('docs/architecture.md', 'utf8').matchAll(/^\| `(\w+)` \|.*\| ([\w ]+) \|$/gm),
  ].map(([, room = '', allowed = '']) => [room, allowed === 'nothing' ? [] : allowed.split(' ')]),
);
const rooms = globSync('src/*/tsconfig.json').map((path) => path.split('/')[1] ?? '');
const sources = globSync('src/**/*.ts');
const everything = [...sources, ...globSync('test/**/*.ts'), ...globSync('scripts/**/*.{ts,sh}')];

test('every room is in the table, and the table has no other', () => {
  assert.deepEqual([...table.keys()].toSorted(), rooms.toSorted());
});

test('the project references of each room are its row of the table', () => {
  for (const room of rooms) {
    const config = JSON.parse(readFileSync(`src/${room}/tsconfig.json`, 'utf8')) as {
      references: readonly { path: string }[];
    };
    const allowed = table.get(room) ?? [];
    const expected = allowed[0] === 'all' ? rooms.filter((other) => other !== room) : allowed;
    const found = config.references.map((reference) => reference.path.replace('../', ''));
    assert.deepEqual(found.toSorted(), expected.toSorted(), room);
  }
});

test('no file imports from a room that its row does not name, not even through another', () => {
  for (const file of sources) {
    const room = file.split('/')[1] ?? '';
    const allowed = new Set([room, ...(table.get(room) ?? [])]);
    for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/from '\.\.\/([^']+)'/g)) {
      const target = path.replace(/^(\.\.\/)+/, '').split('/')[0] ?? '';
      if (!rooms.includes(target)) continue;
      assert.ok(allowed.has('all') || allowed.has(target), `${file} imports ${target}`);
    }
  }
});

test('the folders of the lab import each other as the architecture says', () => {
  const allowed: Readonly<Record<string, readonly string[]>> = {
    system: [],
    'private-host': ['system'],
    guest: ['system'],
    machine: ['system'],
    'kvm-host': ['system', 'private-host', 'guest'],
    fault: ['system', 'private-host'],
    fleet: ['system', 'private-host', 'guest', 'machine', 'kvm-host', 'fault'],
  };
  for (const file of sources.filter((path) => path.startsWith('src/lab/'))) {
    const [, , folder = ''] = file.split('/');
    for (const [, target = ''] of readFileSync(file, 'utf8').matchAll(/from '\.\.\/([\w-]+)\//g)) {
      assert.ok(allowed[folder]?.includes(target) === true, `${file} imports ${target}`);
    }
  }
});

test('only libvirt and xml have a front door; other rooms are imported file by file', () => {
  const doors = sources.filter((file) => file.endsWith('/index.ts'));
  assert.deepEqual(doors.toSorted(), ['src/libvirt/index.ts', 'src/xml/index.ts']);
});

test('no file is named after nothing', () => {
  const vague = sources.filter((file) => /\/(util|utils|helpers?|common|misc)\.ts$/.test(file));
  assert.deepEqual(vague, []);
});

test('nothing is left to do in the code without being said in the documents', () => {
  for (const file of everything) {
    if (file === 'test/tidy.test.ts') continue;
    assert.doesNotMatch(readFileSync(file, 'utf8'), /\b(TODO|FIXME|XXX|HACK)\b/, file);
  }
});

test('nothing that is kept names the folder it is worked on in', () => {
  const above = `${dirname(process.cwd())}/`;
  for (const file of [...everything, ...globSync('docs/**/*.md'), 'README.md']) {
    const names = above.length > 4 && readFileSync(file, 'utf8').includes(above);
    assert.ok(!names, `${file} names ${above}`);
  }
});

test('the lockfile leaves open which registry packages come from', () => {
  assert.doesNotMatch(readFileSync('package-lock.json', 'utf8'), /"resolved"/);
});

test('the pictures in the documents are drawn as the program draws today', () => {
  const pictures = {
    'host-map': 'maps/two-packages-smt-256-colours',
    'lab-fleet': 'labs/real-machines-256-colours',
  };
  for (const [picture, golden] of Object.entries(pictures)) {
    const drawn = readFileSync(`test/cli/golden/${golden}.txt`, 'utf8');
    assert.equal(readFileSync(`docs/pictures/${picture}.svg`, 'utf8'), terminalPicture(drawn));
  }
});
