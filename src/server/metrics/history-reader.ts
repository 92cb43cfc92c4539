import { HISTORY_STEPS, USAGE_FIGURES } from '../../api/metrics.ts';
import type { HistoryQuery, HistoryStep, HistoryView } from '../../api/metrics.ts';
import { berthError } from '../../base/errors.ts';
import type { HistoryRecords } from '../../store/history.ts';
import { unpackBlock } from './history-block.ts';
import type { Columns } from './history-block.ts';
import { BLOCK_VALUES } from './history-lane.ts';
import { KEPT_MS } from './history-recorder.ts';
import type { HistoryRecorder } from './history-recorder.ts';

/** What is asked for when nothing is said. */
const SPAN_DEFAULT_MS = 3_600_000;
/** More values than the longest history has at its own step are refused. */
const VALUES_MAX = 10_000;

/** A part of a history, as a client gets it. */
export type HistoryPart = Pick<HistoryView, 'start' | 'stepMs' | 'values'>;

/** Which part of a history is meant. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
}

/**
 * Reads a part of a history, from the store and from what is not written yet.
 * @throws BERTH_SPEC_INVALID for a span that ends before it begins, or has too many values
 */
export async function readHistory(
  { records, recorder }: { readonly records: HistoryRecords; readonly recorder: HistoryRecorder },
  series: string,
  query: HistoryQuery,
  now: number,
): Promise<HistoryPart> {
  const span = spanOf(query, now);
  const { from, to, stepMs } = span;
  const begun = { from: from - BLOCK_VALUES * stepMs, to };
  const stored = await records.read(series, stepMs, begun);
  const fresh = recorder.unwritten(series, stepMs);
  const start = Math.ceil(from / stepMs) * stepMs;
  const count = Math.max(0, Math.floor((to - start) / stepMs) + 1);
  const values = Object.fromEntries(
    (query.series ?? USAGE_FIGURES).map((figure) => [
      figure,
      Array<number | null>(count).fill(null),
    ]),
  );
  for (const block of [...stored, ...fresh]) {
    const first = Math.round((block.start - start) / stepMs);
    fill(values, unpackBlock(block.block), first);
  }
  return { start, stepMs, values };
}

function fill(values: HistoryPart['values'], columns: Columns, first: number): void {
  for (const figure of USAGE_FIGURES) {
    const row = values[figure];
    for (const [index, value] of columns[figure].entries()) {
      const at = first + index;
      if (row !== undefined && value !== undefined && at >= 0 && at < row.length) row[at] = value;
    }
  }
}

function spanOf({ from: given, to = Number.NaN, step }: HistoryQuery, now: number): Span {
  const end = Number.isNaN(to) ? now : to;
  const from = given ?? Math.max(0, end - SPAN_DEFAULT_MS);
  if (from > end) {
    const problem = `it begins at ${from} and ends at ${end}`;
    throw berthError('BERTH_SPEC_INVALID', {
      where: 'from',
      problem,
      expected: 'a time before `to`',
    });
  }
  const stepMs = HISTORY_STEPS[step ?? finestFor(now - from)];
  const count = (end - from) / stepMs;
  if (count > VALUES_MAX) {
    const problem = `that would be ${Math.ceil(count)} values, more than ${VALUES_MAX}`;
    throw berthError('BERTH_SPEC_INVALID', { where: 'step', problem, expected: 'a coarser step' });
  }
  return { from, to: end, stepMs };
}

/** The finest step that reaches back so far; a step's length more, for what is asked at its edge. */
function finestFor(backMs: number): HistoryStep {
  if (backMs <= KEPT_MS['10s'] + HISTORY_STEPS['10s']) return '10s';
  return backMs <= KEPT_MS['1m'] + HISTORY_STEPS['1m'] ? '1m' : '10m';
}
