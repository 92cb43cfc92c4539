import type { ExpositionFormat } from '../../../src/server/metrics/exposition.ts';

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const TYPES: readonly unknown[] = ['counter', 'gauge', 'histogram'];
const HISTOGRAM_PARTS = ['_bucket', '_sum', '_count'];

/**
 * What is wrong with figures by the rules of their format; empty when all is well. Both formats want
 * one block a metric, headed by its help and type, and no series twice. Written from the formats'
 * descriptions, and strict where readers are lenient.
 */
export function expositionProblems(text: string, format: ExpositionFormat): readonly string[] {
  const problems: string[] = [];
  const lines = text.split('\n');
  if (lines.pop() !== '') problems.push('the last line has no end');
  if (format === 'openmetrics' && lines.pop() !== '# EOF')
    problems.push('it does not end with EOF');
  const seen = { families: new Set<string>(), series: new Set<string>() };
  let family = { name: '', type: '' };
  for (const [index, line] of lines.entries()) {
    const wrong = (what: string): void => void problems.push(`line ${index + 1}: ${what}: ${line}`);
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE|UNIT) (\S+) (.+)$/.exec(line) ?? [];
    if (word === 'HELP') {
      if (!NAME.test(name) || seen.families.has(name)) wrong('a name twice, or no name');
      seen.families.add(name);
      family = { name, type: '' };
    } else if (word === 'TYPE') {
      if (name !== family.name || !TYPES.includes(rest)) wrong('no type of that family');
      family = { name, type: rest };
    } else if (word === 'UNIT') {
      if (format !== 'openmetrics' || !name.endsWith(`_${rest}`)) wrong('no unit of that name');
    } else {
      const series = seriesOf(line);
      if (series === undefined) wrong('no sample');
      else if (!belongs(series.name, family, format)) wrong(`no sample of ${family.name}`);
      else if (seen.series.has(series.key)) wrong('a series twice');
      else seen.series.add(series.key);
    }
  }
  return problems;
}

/** Labels as they are written, or undefined where they are not written so. */
export function parseLabels(text: string): Readonly<Record<string, string>> | undefined {
  const labels: Record<string, string> = {};
  const next = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"(,|$)/y;
  while (next.lastIndex < text.length) {
    const match = next.exec(text);
    if (match === null) return undefined;
    const [, name = '', value = ''] = match;
    if (Object.hasOwn(labels, name)) return undefined;
    labels[name] = value.replaceAll(/\\(.)/gs, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}

function seriesOf(line: string): { readonly name: string; readonly key: string } | undefined {
  const [, name = '', labels = '', value = ''] = /^([^{ ]+)(?:\{(.+)\})? (\S+)$/.exec(line) ?? [];
  const isNumber = value === '+Inf' || Number.isFinite(Number(value));
  const parsed = parseLabels(labels);
  if (!NAME.test(name) || !isNumber || parsed === undefined) return undefined;
  const pairs = Object.entries(parsed).map((pair) => JSON.stringify(pair));
  return { name, key: `${name} ${pairs.toSorted().join()}` };
}

function belongs(
  sample: string,
  family: { readonly name: string; readonly type: string },
  format: ExpositionFormat,
): boolean {
  if (family.type === 'histogram') {
    return HISTOGRAM_PARTS.some((part) => sample === family.name + part);
  }
  const isOpenCounter = format === 'openmetrics' && family.type === 'counter';
  return sample === (isOpenCounter ? `${family.name}_total` : family.name);
}
