import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import * as libvirt from '../../src/libvirt/index.ts';
import {
  proceduresPage,
  protocolProblems,
  protocolRows,
  usesInTests,
  type Row,
} from '../../scripts/procedures-page.ts';

const rows = protocolRows();

/** A row with nothing wrong with it. */
const ROW: Row = {
  key: 'nodeGetInfo',
  kind: 'query',
  program: 'remote',
  number: 6,
  since: '0.1.0',
  table: 'node',
};

describe('the page of procedures and events', () => {
  test('finds every procedure that is exported, and no two of one number', () => {
    const found = new Map(rows.map((row) => [row.key, row]));
    for (const [key, value] of Object.entries(libvirt)) {
      if (!('number' in Object(value)) || !('stream' in Object(value))) continue;
      const { number, effect, stream } = value as {
        number: number;
        effect: boolean;
        stream: string;
      };
      const kind = stream === 'none' ? (effect ? 'command' : 'query') : 'stream';
      const row = found.get(key);
      assert.deepEqual([row?.number, row?.kind], [number, kind], key);
    }
    const numbers = rows.map(({ program, number }) => `${program} ${number}`);
    assert.deepEqual([...new Set(numbers)], numbers);
  });

  test('finds every kind of event', () => {
    const keys = rows.filter(({ kind }) => kind === 'event').map(({ key }) => key);
    for (const [name, set] of Object.entries(libvirt)) {
      if (!/^[A-Z].*Event$/.test(name)) continue;
      for (const kind of Object.keys(set)) assert.ok(keys.includes(`${name}.${kind}`), kind);
    }
    assert.ok(keys.includes('qemuMonitorEvent'));
  });

  test('says what is undocumented, untested, or excused without being there', () => {
    const { key } = ROW;
    const tested = new Map([[key, ['test/libvirt/real/qemu-host.test.ts']]]);
    assert.deepEqual(protocolProblems([ROW], tested, {}), []);
    assert.deepEqual(protocolProblems([ROW], new Map(), { [key]: 'a host' }), []);
    const said = protocolProblems([{ ...ROW, since: undefined }], new Map(), { gone: 'a need' });
    assert.match(said[0] ?? '', /^nodeGetInfo \(node\): .*@since/);
    assert.match(said[1] ?? '', /^nodeGetInfo \(node\): no test/);
    assert.match(said[2] ?? '', /^gone: /);
    assert.equal(said.length, 3);
  });

  test('has nothing to complain about', () => {
    assert.deepEqual(protocolProblems(rows, usesInTests()), []);
  });

  test('is what `node scripts/procedures-page.ts` writes', () => {
    assert.equal(readFileSync('docs/libvirt/procedures.md', 'utf8'), proceduresPage());
  });
});
