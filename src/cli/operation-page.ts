import type { OperationView } from '../api/resources.ts';
import { ageText } from './age.ts';
import { painter } from './look.ts';
import type { Look } from './look.ts';
import { printable } from './printable.ts';
import { tableLines } from './table.ts';

/** Enough to tell operations apart, and to name one: `operation show` takes a beginning of an id. */
const ID_CHARS_SHOWN = 8;

/** The table of `operation ls`. */
export function operationTable(
  views: readonly OperationView[],
  look: Look,
  now: number,
): readonly string[] {
  const c = painter(look);
  if (views.length === 0) return [c.dim('no operation to show')];
  const titles = ['ID', 'WHAT', 'VM', 'HOST', 'STATE', 'STEP', 'BEGUN'];
  const rows = printable(views).map((operation) => [
    operation.id.slice(0, ID_CHARS_SHOWN),
    operation.kind,
    operation.vm,
    operation.host ?? '-',
    stateText(operation.state, c),
    stepText(operation),
    ageText(operation.startedAt, now),
  ]);
  return tableLines(
    titles.map((title) => ({ title })),
    rows,
    c.dim,
  );
}

/** The text of `operation show`: every step and how it stands. */
export function operationPage(view: OperationView, look: Look, now: number): string {
  const operation = printable(view);
  const c = painter(look);
  const where = operation.host === undefined ? '' : ` on ${operation.host}`;
  const steps = operation.steps.map((step, index) => `  ${markOf(operation, index)} ${step}`);
  const { error, waitsFor } = operation;
  return [
    `${c.bold(`${operation.kind} ${operation.vm}`)}${where}: ${stateText(operation.state, c)}, ` +
      `begun ${ageText(operation.startedAt, now)}`,
    ...steps,
    ...progressLines(operation),
    ...(waitsFor === undefined ? [] : [c.yellow(`waits: ${waitsFor}`)]),
    ...(error === undefined ? [] : [c.red(error.detail), `  ${c.dim(error.hint)}`]),
    '',
  ].join('\n');
}

function progressLines({ progress }: OperationView): readonly string[] {
  if (progress === undefined) return [];
  const { fraction, say } = progress;
  const part = fraction === undefined ? undefined : `${Math.floor(fraction * 100)} %`;
  return [`       ${[part, say].filter((text) => text !== undefined).join(', ')}`];
}

function markOf({ done, state }: OperationView, index: number): string {
  if (index < done) return '[ok]';
  if (index > done || state === 'done') return '[  ]';
  return state === 'running' ? '[..]' : '[!!]';
}

function stepText({ steps, done, state }: OperationView): string {
  const step = steps[done];
  return state === 'done' || step === undefined ? `${done}/${steps.length}` : step;
}

function stateText(state: OperationView['state'], c: ReturnType<typeof painter>): string {
  if (state === 'done') return c.green(state);
  return state === 'running' ? c.yellow(state) : c.red(state);
}
