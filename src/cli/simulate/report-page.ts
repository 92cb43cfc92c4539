import { markup } from './markup.ts';
import type { Outcome } from './simulate.ts';

/** The page of a report: the figures as a table that every reader can read, and the plots. */
export function reportPage(outcomes: readonly Outcome[], drawings: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Placement simulated</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<h1>Placement simulated</h1>
${figureTable(outcomes)}
${forecastTable(outcomes)}
${drawings.map((svg) => `<figure>\n${svg}\n</figure>`).join('\n')}
</main>
</body>
</html>
`;
}

const PAGE_STYLE = `
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem 1rem;background:#f4f6f8;color:#1c2733}
main{max-width:50rem;margin:auto}h1{font-size:1.5rem}table{border-collapse:collapse;margin:1rem 0;width:100%}
caption{text-align:left;font-weight:600;padding:.3rem 0}th,td{padding:.35rem .6rem;text-align:right;border-bottom:1px solid #c9d1d9}
th:first-child{text-align:left}figure{margin:1.5rem 0}svg{width:100%;height:auto}
@media (prefers-color-scheme:dark){body{background:#0d1217;color:#e6ebf0}th,td{border-color:#313b46}}
`.replaceAll('\n', '');

function figureTable(outcomes: readonly Outcome[]): string {
  const runs = outcomes.flatMap(({ run }) => (run === undefined ? [] : [run.figures]));
  if (runs.length === 0) return '';
  const row = (name: string, of: (figures: (typeof runs)[number]) => string): readonly string[] => [
    name,
    ...runs.map(of),
  ];
  return table(
    'Figures',
    ['', ...runs.map(({ policy }) => policy)],
    [
      row('requests placed', (f) => count(f.placed)),
      row('requests refused', (f) => count(f.refused)),
      row('vCPUs refused', (f) => `${f.refusedVcpuPercent.toFixed(2)} %`),
      row('first refused row', (f) => (f.firstRefusal === null ? 'none' : count(f.firstRefusal))),
      row('hosts in use, second half', (f) => f.steadyHostsUsed.toFixed(1)),
      row('hosts in use at the end', (f) => `${count(f.hostsUsed)} of ${count(f.hosts)}`),
      row('CPU taken, second half', (f) => `${(100 * f.utilisation.cpu).toFixed(1)} %`),
      row('memory taken, second half', (f) => `${(100 * f.utilisation.memory).toFixed(1)} %`),
      row('decisions per second', (f) => count(f.decisionsPerSecond)),
      row('a decision, 99 of 100 within', (f) => `${f.p99us.toFixed(0)} µs`),
      ...[...new Set(runs.flatMap((f) => Object.keys(f.refusals)))].map((reason) =>
        row(`refused for ${reason}`, (f) =>
          count(new Map(Object.entries(f.refusals)).get(reason) ?? 0),
        ),
      ),
    ],
  );
}

function forecastTable(outcomes: readonly Outcome[]): string {
  const kinds = [...new Set(outcomes.flatMap(({ forecasts }) => forecasts.map(({ vm }) => vm)))];
  if (kinds.length === 0) return '';
  const rows = kinds.map((kind) => [
    kind,
    ...outcomes.map(({ forecasts }) => {
      const known = forecasts.find(({ vm }) => vm === kind);
      if (known === undefined) return '';
      return `${known.exact ? '' : 'at least '}${count(known.fits)}`;
    }),
  ]);
  return table('VMs that would still fit', ['', ...outcomes.map(({ policy }) => policy)], rows);
}

function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const titles = head.map((cell) => `<th scope="col">${markup(cell)}</th>`).join('');
  const body = rows.map(([name = '', ...cells]) => {
    const values = cells.map((cell) => `<td>${markup(cell)}</td>`).join('');
    return `<tr><th scope="row">${markup(name)}</th>${values}</tr>`;
  });
  return `<table>\n<caption>${markup(caption)}</caption>\n<thead><tr>${titles}</tr></thead>\n<tbody>\n${body.join('\n')}\n</tbody>\n</table>`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
