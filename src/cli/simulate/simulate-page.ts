import { painter } from '../look.ts';
import type { Look } from '../look.ts';
import { printableText } from '../printable.ts';
import { tableLines } from '../table.ts';
import type { Outcome } from './simulate.ts';

/** What `simulate` answers a person: figures by policy, why requests were refused, forecasts. */
export function simulatePage(
  outcomes: readonly Outcome[],
  look: Look,
  report: string | undefined,
): string {
  const parts = [
    figureTable(outcomes, look),
    reasonTable(outcomes, look),
    forecastTable(outcomes, look),
    stoppedLines(outcomes, look),
    report === undefined ? [] : [`plots: ${printableText(report)}`],
  ];
  const text = parts.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return `${text.join('\n\n')}\n`;
}

function figureTable(outcomes: readonly Outcome[], look: Look): readonly string[] {
  const c = painter(look);
  const rows = outcomes.flatMap(({ run }) => {
    if (run === undefined) return [];
    const { figures } = run;
    const { utilisation } = figures;
    return [
      [
        c.bold(figures.policy),
        count(figures.placed),
        count(figures.refused),
        `${figures.refusedVcpuPercent.toFixed(2)} %`,
        figures.firstRefusal === null ? 'none' : count(figures.firstRefusal),
        `${figures.steadyHostsUsed.toFixed(1)} of ${count(figures.hosts)}`,
        percent(utilisation.cpu),
        percent(utilisation.memory),
        count(figures.decisionsPerSecond),
      ],
    ];
  });
  if (rows.length === 0) return [];
  const columns = [
    'PLACED',
    'REFUSED',
    'OF VCPUS',
    'FIRST AT',
    'HOSTS',
    'CPU',
    'MEMORY',
    'PER SECOND',
  ];
  const titles = columns.map((title) => ({ title, align: 'right' as const }));
  return [
    ...tableLines([{ title: 'POLICY' }, ...titles], rows, c.dim),
    c.dim('hosts, CPU and memory: means over the second half of the requests'),
  ];
}

function reasonTable(outcomes: readonly Outcome[], look: Look): readonly string[] {
  const runs = outcomes.flatMap(({ run }) => run ?? []);
  const reasons = new Set(runs.flatMap(({ figures }) => Object.keys(figures.refusals)));
  if (reasons.size === 0) return [];
  const rows = [...reasons].map((reason) => [
    reason,
    ...runs.map(({ figures }) => count(new Map(Object.entries(figures.refusals)).get(reason) ?? 0)),
  ]);
  const policies = runs.map(({ figures }) => ({
    title: figures.policy.toUpperCase(),
    align: 'right' as const,
  }));
  return tableLines([{ title: 'REFUSED FOR' }, ...policies], rows, painter(look).dim);
}

function forecastTable(outcomes: readonly Outcome[], look: Look): readonly string[] {
  const kinds = [...new Set(outcomes.flatMap(({ forecasts }) => forecasts.map(({ vm }) => vm)))];
  if (kinds.length === 0) return [];
  const rows = kinds.map((kind) => [
    printableText(kind),
    ...outcomes.map(({ forecasts }) => {
      const known = forecasts.find(({ vm }) => vm === kind);
      if (known === undefined) return '-';
      return `${known.exact ? '' : 'at least '}${count(known.fits)}`;
    }),
  ]);
  const policies = outcomes.map(({ policy }) => ({
    title: policy.toUpperCase(),
    align: 'right' as const,
  }));
  return tableLines([{ title: 'MORE THAT FIT' }, ...policies], rows, painter(look).dim);
}

function stoppedLines(outcomes: readonly Outcome[], look: Look): readonly string[] {
  return outcomes.flatMap(({ run }) =>
    run?.stopped === true
      ? [
          painter(look).yellow(
            `${run.figures.policy} was stopped after ${count(run.figures.requests)} requests`,
          ),
        ]
      : [],
  );
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
