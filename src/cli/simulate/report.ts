import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { chartsOf } from './charts.ts';
import { lineChart } from './line-chart.ts';
import { cannotWrite } from './output-file.ts';
import { reportPage } from './report-page.ts';
import type { Outcome } from './simulate.ts';

/**
 * Writes the report of a simulation: one page for a name that ends in .html, else a folder of plots
 * (`utilisation.svg`, ...) with the page as `index.html`. Nothing in it needs another file.
 */
export async function writeReport(target: string, outcomes: readonly Outcome[]): Promise<void> {
  const charts = chartsOf(outcomes.flatMap(({ run }) => run ?? []));
  const drawings = charts.map((chart) => ({ id: chart.id, svg: lineChart(chart) }));
  const page = reportPage(
    outcomes,
    drawings.map(({ svg }) => svg),
  );
  try {
    if (/\.html?$/i.test(target)) {
      await writeFile(target, page);
      return;
    }
    await mkdir(target, { recursive: true });
    await writeFile(path.join(target, 'index.html'), page);
    for (const { id, svg } of drawings) await writeFile(path.join(target, `${id}.svg`), `${svg}\n`);
  } catch (cause) {
    throw cannotWrite(target, cause);
  }
}
