import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { replayFaults } from './plain-checker.ts';
import type { PlainWorkload } from './plain-checker.ts';
import { linesOf } from './replayed-lines.ts';

const DATA = process.env['BERTH_TEST_DATA'];

for (const name of ['fading', 'churn', 'mixed']) {
  const file = path.join(DATA ?? '', `../bench/${name}.json`);
  const skip =
    DATA === undefined || !existsSync(file)
      ? `needs: ../bench/${name}.json beside BERTH_TEST_DATA`
      : false;
  test(`the workload ${name} is placed without a fault`, { skip }, () => {
    const text = readFileSync(file, 'utf8');
    const workload = JSON.parse(text) as PlainWorkload;
    const lines = linesOf(text);
    assert.deepEqual(replayFaults(workload, lines).slice(0, 5), []);
    assert.ok(lines.length > workload.requests.length / 2);
  });
}
