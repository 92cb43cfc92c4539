import type { Metric } from './metric.ts';

/** How figures are written: Prometheus's own text (0.0.4), or OpenMetrics 1.0. */
export type ExpositionFormat = 'text' | 'openmetrics';

/** Content types of the two. */
export const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** One value of a metric. */
export interface Sample {
  /** Behind the metric's name: `_bucket`, `_sum` and `_count` of a histogram. */
  readonly suffix?: string;
  /** Made by `labelsText`; the empty text for none. */
  readonly labels: string;
  readonly value: number;
}

/** A metric with all its values, which both formats want together. */
export interface Family {
  readonly metric: Pick<Metric, 'name' | 'type' | 'unit' | 'help'>;
  readonly samples: Iterable<Sample>;
}

/** Text is handed on in pieces of about this size: a fleet's whole text would be hundreds of MB. */
const PIECE_CHARS = 64 * 1024;

/** Writes families piece by piece; nothing is computed before it is asked for. */
export function* expositionText(
  families: Iterable<Family>,
  format: ExpositionFormat,
): Generator<string, void> {
  let piece = '';
  for (const family of families) {
    const name = familyName(family.metric, format);
    let head = heading(family.metric, name, format);
    for (const sample of family.samples) {
      piece += `${head}${line(family.metric, sample)}`;
      head = '';
      if (piece.length < PIECE_CHARS) continue;
      yield piece;
      piece = '';
    }
  }
  if (format === 'openmetrics') piece += '# EOF\n';
  if (piece !== '') yield piece;
}

/** Labels with their values as both formats write them: `vm="db1",host="h1"`. */
export function labelsText(names: readonly string[], values: readonly string[]): string {
  return names.map((name, index) => `${name}="${escapeValue(values[index] ?? '')}"`).join(',');
}

/** The best format of an Accept header; the plain text where nothing better is asked for. */
export function formatFor(accept: string | undefined): ExpositionFormat {
  const asked = (accept ?? '').split(',').map(preference);
  const quality = (type: string): number =>
    Math.max(0, ...asked.filter((one) => one.type === type).map((one) => one.quality));
  const open = quality('application/openmetrics-text');
  return open > 0 && open >= quality('text/plain') ? 'openmetrics' : 'text';
}

function preference(part: string): { readonly type: string; readonly quality: number } {
  const [type = '', ...parameters] = part.split(';').map((word) => word.trim().toLowerCase());
  const given = parameters.find((parameter) => parameter.startsWith('q='));
  const quality = given === undefined ? 1 : Number(given.slice(2));
  return { type, quality: Number.isFinite(quality) ? quality : 0 };
}

/** OpenMetrics names a counter without the `_total` that its values carry. */
function familyName({ name, type }: Family['metric'], format: ExpositionFormat): string {
  return format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
}

function heading(
  { type, unit, help }: Family['metric'],
  name: string,
  format: ExpositionFormat,
): string {
  const hasUnit = format === 'openmetrics' && unit !== undefined;
  return (
    `# HELP ${name} ${escapeHelp(help, format)}\n` +
    `# TYPE ${name} ${type}\n` +
    (hasUnit ? `# UNIT ${name} ${unit}\n` : '')
  );
}

function line({ name }: Family['metric'], { suffix = '', labels, value }: Sample): string {
  const braced = labels === '' ? '' : `{${labels}}`;
  return `${name}${suffix}${braced} ${numberText(value)}\n`;
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return value === Number.NEGATIVE_INFINITY ? '-Inf' : `${value}`;
}

function escapeValue(text: string): string {
  return /["\\\n]/.test(text)
    ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : text;
}

function escapeHelp(text: string, format: ExpositionFormat): string {
  const plain = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'openmetrics' ? plain.replaceAll('"', '\\"') : plain;
}
