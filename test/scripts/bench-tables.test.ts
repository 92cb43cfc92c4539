import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cellText } from '../../bench/table.ts';
import type { BenchTable } from '../../bench/table.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/bench-tables.ts', import.meta.url));

const TABLE: BenchTable = {
  section: 'speed',
  title: 'Speed',
  columns: ['what', 'per s', 'peer'],
  rows: [
    ['one', 12_345.6, null],
    ['two', 0, '3 to 4'],
  ],
  notes: ['On a quiet machine.'],
};

const DOCUMENT = `# Figures

<!-- bench engine speed -->

Not measured yet.

<!-- end -->

<!-- bench engine memory -->

Kept.

<!-- end -->
`;

const FILLED = `# Figures

<!-- bench engine speed -->

**Speed**

| what | per s | peer |
| --- | --: | --- |
| one | 12,346 |  |
| two | 0 | 3 to 4 |

- On a quiet machine.

Machine: one core.

<!-- end -->

<!-- bench engine memory -->

Kept.

<!-- end -->
`;

/** What becomes of the document, and the status that the script ends with. */
function put(
  t: TestContext,
  run: { readonly tables: readonly BenchTable[]; readonly isQuick?: boolean },
  text: string,
): { readonly text: string; readonly status: number | null } {
  const folder = mkdtempSync(join(tmpdir(), 'berth-bench-tables-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [input, document] = [join(folder, 'run.json'), join(folder, 'figures.md')];
  writeFileSync(input, JSON.stringify({ bench: 'engine', machine: 'one core', ...run }));
  writeFileSync(document, text);
  const { status } = spawnSync(process.execPath, [SCRIPT, input, document]);
  return { text: readFileSync(document, 'utf8'), status };
}

test('the tables of a run take the place of what stood there, and nothing else changes', (t) => {
  const once = put(t, { tables: [TABLE] }, DOCUMENT);
  assert.deepEqual(once, { text: FILLED, status: 0 });
  assert.deepEqual(put(t, { tables: [TABLE] }, once.text), once);
});

test('figures of a quick run never come into a document', (t) => {
  const { text, status } = put(t, { tables: [TABLE], isQuick: true }, DOCUMENT);
  assert.deepEqual({ text, status }, { text: DOCUMENT, status: 1 });
});

test('a table without rows says why, and has no head', (t) => {
  const { text } = put(t, { tables: [{ ...TABLE, rows: [], notes: ['No data.'] }] }, DOCUMENT);
  assert.match(text, /\*\*Speed\*\*\n\n- No data\./);
  assert.doesNotMatch(text, /\|/);
});

test('figures have as many decimals as mean something', () => {
  assert.deepEqual([0.256, 99.5, 132.04, 1234.5, 7, null, 'about 20'].map(cellText), [
    '0.26',
    '99.50',
    '132.0',
    '1,235',
    '7',
    '',
    'about 20',
  ]);
});
