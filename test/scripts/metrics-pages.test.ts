import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DASHBOARD_FILE, dashboardText } from '../../scripts/dashboard.ts';
import { METRICS_FILE, metricsPage } from '../../scripts/metrics-page.ts';
import { METRICS } from '../../src/server/metrics/metric-list.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

/** What a histogram's series are called beside its own name. */
const PARTS = /_(?:bucket|sum|count)$/;

test('the page of metrics is what `node scripts/metrics-page.ts` writes', () => {
  const page = readFileSync(METRICS_FILE, 'utf8');
  assert.equal(metricsPage(page), page);
});

test('the dashboard is what `node scripts/dashboard.ts` writes', async () => {
  assert.equal(readFileSync(DASHBOARD_FILE, 'utf8'), await dashboardText());
});

test('every panel of the dashboard asks for metrics of the list, by labels that they have', async () => {
  const { schemaVersion, panels } = JSON.parse(await dashboardText()) as {
    readonly schemaVersion: number;
    readonly panels: readonly Panel[];
  };
  assert.ok(schemaVersion >= 36);
  assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  for (const { type, targets = [], gridPos } of panels) {
    assert.ok(gridPos.x + gridPos.w <= 24);
    assert.equal(type === 'row', targets.length === 0);
    for (const { expr, legendFormat } of targets) {
      const names = [...expr.matchAll(/berth_[a-z_]+/g)].map(([name]) => name.replace(PARTS, ''));
      const found = names.map((name) => METRICS.find((metric) => metric.name === name));
      assert.ok(found.length > 0 && !found.includes(undefined), expr);
      const labels = new Set([...(found[0]?.labels ?? []), 'instance']);
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        assert.ok(labels.has(label), `${legendFormat} of ${expr}`);
      }
    }
  }
});

test('no two metrics have one name, and each says what it is and from where', () => {
  assert.equal(new Set(METRICS.map(({ name }) => name)).size, METRICS.length);
  for (const { name, type, unit, help, source } of METRICS) {
    assert.match(name, /^berth_[a-z][a-z_]*[a-z]$/);
    assert.equal(name.endsWith('_total'), type === 'counter', name);
    if (unit !== undefined) assert.match(name, new RegExp(`_${unit}(_total)?$`));
    assert.match(help, /^\S.*[^.]$/, name);
    assert.ok(source !== '');
  }
});
