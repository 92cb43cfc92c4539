import { readFileSync, writeFileSync } from 'node:fs';
import { METRIC_GROUPS } from '../src/server/metrics/metric-list.ts';

/** The tables in docs/metrics.md, made from the list of metrics: `node scripts/metrics-page.ts`. */

export const METRICS_FILE = 'docs/metrics.md';
const BEGIN = '<!-- from here on made by scripts/metrics-page.ts -->';

/** The page with its tables made anew; what stands before them stays. */
export function metricsPage(page: string): string {
  const [prose = ''] = page.split(BEGIN);
  const tables = METRIC_GROUPS.flatMap(({ title, metrics }) => [
    `## ${title}`,
    '',
    '| metric | type | labels | what it is | from |',
    '| --- | --- | --- | --- | --- |',
    ...metrics.map(
      ({ name, type, labels, help, source }) =>
        `| \`${name}\` | ${type} | ${labels.join(', ')} | ${help} | ${source} |`,
    ),
    '',
  ]);
  return `${prose}${BEGIN}\n\n${tables.join('\n')}`;
}

if (import.meta.main) writeFileSync(METRICS_FILE, metricsPage(readFileSync(METRICS_FILE, 'utf8')));
