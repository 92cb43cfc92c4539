import { CHART_STYLE, LINE_COLOURS } from './chart-style.ts';
import { markup } from './markup.ts';
import { niceTicks } from './nice-ticks.ts';

/** One line of a plot. */
export interface ChartLine {
  readonly name: string;
  /** Which colour; lines that belong together have the same. */
  readonly colour: number;
  readonly dashed?: boolean;
  /** By x, ascending. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** A plot of lines over one axis. */
export interface Chart {
  /** A short word for file names. */
  readonly id: string;
  readonly title: string;
  /** What it shows, in sentences: for those who cannot see it. */
  readonly says: string;
  /** `most`: where the axis ends. */
  readonly x: {
    readonly name: string;
    readonly text: (value: number) => string;
    readonly most: number;
  };
  readonly y: { readonly name: string; readonly text: (value: number) => string };
  /** The y axis reaches at least up to here. */
  readonly yMin: number;
  readonly lines: readonly ChartLine[];
}

const WIDTH = 760;
const HEIGHT = 320;
const LEGEND_ROW = 18;
const LEGEND_COLUMNS = 4;
const PLOT = { left: 64, right: 20, top: 56, bottom: 40 } as const;

/** Draws a plot as one SVG element that needs nothing else. */
export function lineChart(chart: Chart): string {
  const legendRows = Math.ceil(chart.lines.length / LEGEND_COLUMNS);
  const top = PLOT.top + legendRows * LEGEND_ROW;
  const height = HEIGHT + legendRows * LEGEND_ROW;
  const axes = axesOf(chart, { top, height });
  const id = `chart-${chart.id}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" viewBox="0 0 ${WIDTH} ${height}" aria-labelledby="${id}-title ${id}-desc">`,
    `<title id="${id}-title">${markup(chart.title)}</title>`,
    `<desc id="${id}-desc">${markup(chart.says)}</desc>`,
    `<style>${CHART_STYLE}</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}" rx="8"/>`,
    `<text class="title" x="20" y="28">${markup(chart.title)}</text>`,
    ...chart.lines.map((line, index) => legendEntry(line, index)),
    ...yAxis(chart, axes),
    ...xAxis(chart, axes, height),
    ...chart.lines.map((line) => polyline(line, axes)),
    '</svg>',
  ].join('\n');
}

interface Axes {
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
  readonly xOf: (value: number) => number;
  readonly yOf: (value: number) => number;
}

function axesOf(
  { lines, yMin, x }: Chart,
  { top, height }: { readonly top: number; readonly height: number },
): Axes {
  const points = lines.flatMap((line) => line.points);
  const xMost = x.most;
  const yMost = points.reduce((most, [, y]) => Math.max(most, y), yMin);
  const yTicks = niceTicks(yMost);
  const yTop = Math.max(yMost, yTicks.at(-1) ?? 0);
  const wide = WIDTH - PLOT.left - PLOT.right;
  const high = height - top - PLOT.bottom;
  return {
    xTicks: niceTicks(xMost).filter((tick) => tick <= xMost),
    yTicks,
    xOf: (value) => PLOT.left + (value / xMost) * wide,
    yOf: (value) => height - PLOT.bottom - (value / yTop) * high,
  };
}

function legendEntry({ name, colour, dashed }: ChartLine, index: number): string {
  const x = 20 + (index % LEGEND_COLUMNS) * ((WIDTH - 40) / LEGEND_COLUMNS);
  const y = 48 + Math.floor(index / LEGEND_COLUMNS) * LEGEND_ROW;
  return `<path class="${classOf(colour, dashed)}" d="M${x} ${y - 4}h22"/><text x="${x + 28}" y="${y}">${markup(name)}</text>`;
}

function yAxis({ y }: Chart, { yTicks, yOf, xOf }: Axes): readonly string[] {
  return [
    ...yTicks.map(
      (tick) =>
        `<path class="grid" d="M${PLOT.left} ${fixed(yOf(tick))}H${WIDTH - PLOT.right}"/><text class="tick" text-anchor="end" x="${PLOT.left - 8}" y="${fixed(yOf(tick) + 4)}">${markup(y.text(tick))}</text>`,
    ),
    `<text class="unit" x="${fixed(xOf(0))}" y="${fixed(yOf(yTicks.at(-1) ?? 0) - 8)}">${markup(y.name)}</text>`,
  ];
}

function xAxis({ x }: Chart, { xTicks, xOf }: Axes, height: number): readonly string[] {
  return [
    ...xTicks.map(
      (tick) =>
        `<text class="tick" text-anchor="middle" x="${fixed(xOf(tick))}" y="${height - PLOT.bottom + 18}">${markup(x.text(tick))}</text>`,
    ),
    `<text class="unit" text-anchor="end" x="${WIDTH - PLOT.right}" y="${height - 6}">${markup(x.name)}</text>`,
  ];
}

function polyline({ points, colour, dashed }: ChartLine, { xOf, yOf }: Axes): string {
  const path = points.map(([x, y]) => `${fixed(xOf(x))},${fixed(yOf(y))}`).join(' ');
  return `<polyline class="${classOf(colour, dashed)}" points="${path}"/>`;
}

function classOf(colour: number, dashed = false): string {
  return `line c${colour % LINE_COLOURS}${dashed ? ' dash' : ''}`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}
