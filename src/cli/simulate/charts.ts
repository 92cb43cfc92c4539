import type { Chart, ChartLine } from './line-chart.ts';
import type { Run } from './run.ts';

/** More points than this are not seen in a plot. */
const POINTS_MAX = 400;

/** The plots of a report: how the fleet filled, and what was refused, over the trace. */
export function chartsOf(runs: readonly Run[]): readonly Chart[] {
  const axis = timeAxis(runs);
  const several = runs.length > 1;
  const charts: Chart[] = [
    utilisation(runs, axis),
    hostsUsed(runs, axis),
    ...(several ? [refusedTotals(runs, axis)] : []),
    ...runs.map((run, index) => refusedReasons(run, { axis, index, several })),
    fragmentation(runs, axis),
  ];
  return charts.filter(({ lines }) => lines.some((line) => line.points.length > 0));
}

/** The x axis, and where a row lies on it. */
interface TimeAxis {
  readonly x: Chart['x'];
  readonly of: (run: Run, row: number) => number;
}

/** Time where it passes; else the number of the request. */
function timeAxis(runs: readonly Run[]): TimeAxis {
  const rows = Math.max(...runs.map(({ history }) => history.at.length));
  const seconds = Math.max(...runs.map(({ history: { at } }) => (at.at(-1) ?? 0) - (at[0] ?? 0)));
  if (seconds < TIME_LEAST_S) {
    return { x: { name: 'requests', text: plain, most: rows }, of: (_, row) => row + 1 };
  }
  const [unit, name] = seconds > DAYS_FROM_S ? [86_400, 'days'] : [3600, 'hours'];
  const of = ({ history }: Run, row: number): number =>
    ((history.at[row] ?? 0) - (history.at[0] ?? 0)) / unit;
  return { x: { name, text: plain, most: seconds / unit }, of };
}

/** Traces that last less than two hours only count their requests. */
const TIME_LEAST_S = 7200;
const DAYS_FROM_S = 4 * 86_400;

function utilisation(runs: readonly Run[], axis: TimeAxis): Chart {
  const several = runs.length > 1;
  const lines = runs.flatMap((run, colour): readonly ChartLine[] => {
    const name = (what: string): string => (several ? `${run.figures.policy}: ${what}` : what);
    const { cpu, memory } = run.history;
    return [
      { name: name('CPU'), colour, points: curve(run, axis, cpu) },
      {
        name: name('memory'),
        colour: several ? colour : colour + 1,
        dashed: true,
        points: curve(run, axis, memory),
      },
    ];
  });
  const says = runs
    .map(
      ({ figures: { policy, utilisation: mean } }) =>
        `${policy}: over the second half of the requests ${percent(mean.cpu)} of CPU and ${percent(mean.memory)} of memory are taken.`,
    )
    .join(' ');
  const y = { name: 'of what guests may have', text: percent };
  return { id: 'utilisation', title: 'Utilisation', says, x: axis.x, y, yMin: 1, lines };
}

/** A plot with one line for each run. */
function perRun(
  runs: readonly Run[],
  axis: TimeAxis,
  {
    points,
    says,
    ...about
  }: Pick<Chart, 'id' | 'title' | 'y'> & {
    readonly points: (run: Run) => ChartLine['points'];
    /** What it shows of one run, after its policy's name. */
    readonly says: (run: Run) => string;
  },
): Chart {
  const lines = runs.map((run, colour) => ({
    name: run.figures.policy,
    colour,
    points: points(run),
  }));
  const sentences = runs.map((run) => `${run.figures.policy}: ${says(run)}`);
  return { ...about, says: sentences.join(' '), x: axis.x, yMin: 1, lines };
}

function hostsUsed(runs: readonly Run[], axis: TimeAxis): Chart {
  return perRun(runs, axis, {
    id: 'hosts',
    title: 'Hosts in use',
    y: { name: 'hosts with a guest', text: plain },
    points: (run) => curve(run, axis, run.history.hostsUsed),
    says: ({ figures: { steadyHostsUsed, hosts } }) =>
      `${steadyHostsUsed.toFixed(1)} of ${hosts} hosts over the second half.`,
  });
}

function refusedTotals(runs: readonly Run[], axis: TimeAxis): Chart {
  return perRun(runs, axis, {
    id: 'refused',
    title: 'Refused requests',
    y: { name: 'requests refused so far', text: plain },
    points: (run) => rising(run, axis, run.history.refusals),
    says: ({ figures: { refused } }) => `${refused} requests refused.`,
  });
}

function refusedReasons(
  run: Run,
  { axis, index, several }: { axis: TimeAxis; index: number; several: boolean },
): Chart {
  const { refusals, policy } = run.figures;
  const reasons = Object.entries(refusals);
  const lines = reasons.map(([reason], colour) => ({
    name: reason,
    colour,
    points: rising(
      run,
      axis,
      run.history.refusals.filter((refusal) => refusal.reason === reason),
    ),
  }));
  const says = reasons.map(([reason, count]) => `${reason}: ${count} requests.`).join(' ');
  return {
    id: several ? `reasons-${index}` : 'reasons',
    title: several ? `Refusals by reason: ${policy}` : 'Refusals by reason',
    says,
    x: axis.x,
    y: { name: 'requests refused so far', text: plain },
    yMin: 1,
    lines,
  };
}

function fragmentation(runs: readonly Run[], axis: TimeAxis): Chart {
  return perRun(runs, axis, {
    id: 'fragmentation',
    title: 'Fragmentation',
    y: { name: 'of the free pCPUs are of no use to a typical request', text: percent },
    points: (run) => run.fragmentation.map(({ row, share }) => [axis.of(run, row), share] as const),
    says: ({ fragmentation: samples }) =>
      `in the end ${percent(samples.at(-1)?.share ?? 0)} of the free pCPUs lie on hosts that a typical request does not fit.`,
  });
}

/** Values by row, thinned to what a plot shows; the last is kept. */
function curve(run: Run, axis: TimeAxis, values: readonly number[]): ChartLine['points'] {
  const stride = Math.max(1, Math.ceil(values.length / POINTS_MAX));
  return values.flatMap((value, row) =>
    row % stride === 0 || row === values.length - 1 ? [[axis.of(run, row), value] as const] : [],
  );
}

/** How many there have been, step by step, up to the end of the trace. */
function rising(
  run: Run,
  axis: TimeAxis,
  refusals: readonly { readonly row: number }[],
): ChartLine['points'] {
  const counts = run.history.at.map(() => 0);
  for (const { row } of refusals) counts[row] = 1;
  let sum = 0;
  return curve(
    run,
    axis,
    counts.map((one) => (sum += one)),
  );
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}

function plain(value: number): string {
  return value.toLocaleString('en-US');
}
