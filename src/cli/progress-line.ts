import type { OperationView } from '../api/resources.ts';
import { cut } from './block.ts';
import { painter } from './look.ts';
import { printableText } from './printable.ts';
import type { Session } from './session.ts';

const BAR_COLUMNS = 10;
/** Back to the line's start, and the rest of it erased. */
const CLEAR_LINE = '\r\u001b[2K';

/**
 * The steps of one operation on standard error: a line that changes in place on a terminal, else
 * one line per step. Standard output is left alone.
 */
export class ProgressLine {
  readonly #session: Session;
  #shown = '';

  constructor(session: Session) {
    this.#session = session;
  }

  show(operation: OperationView): void {
    const { live, columns } = this.#session.err;
    const text = operationText(operation, live);
    if (text === this.#shown || (!live && operation.state !== 'running')) return;
    this.#shown = text;
    this.#write(live ? CLEAR_LINE + cut(text, columns - 1) : `${text}\n`);
  }

  /** Says something above the line. */
  note(text: string): void {
    const { live, columns } = this.#session.err;
    const note = painter(this.#session.err).yellow(text);
    this.#write(live ? `${CLEAR_LINE}${note}\n${cut(this.#shown, columns - 1)}` : `${note}\n`);
  }

  /** Takes the line away, so that the answer stands in its place. */
  end(): void {
    if (this.#session.err.live && this.#shown !== '') this.#write(CLEAR_LINE);
    this.#shown = '';
  }

  #write(text: string): void {
    this.#session.ports.stderr.write(text);
  }
}

/** One line on an operation: with a bar where it changes in place. */
export function operationText(operation: OperationView, live: boolean): string {
  return live ? barText(operation) : stepText(operation);
}

/** `create web  [#####-----] 3/6 start the domain`. */
function barText(operation: OperationView): string {
  const total = Math.max(1, operation.steps.length);
  const filled = Math.round((operation.done / total) * BAR_COLUMNS);
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR_COLUMNS - filled)}]`;
  return `${titleOf(operation)}  ${bar} ${countText(operation)}`;
}

function stepText(operation: OperationView): string {
  return `${titleOf(operation)}  ${countText(operation)}`;
}

function titleOf(operation: OperationView): string {
  return printableText(`${operation.kind} ${operation.vm}`);
}

/** The step at work counts as begun: 1/6 is the first. */
function countText({ steps, done }: OperationView): string {
  const step = steps[done];
  if (step === undefined) return `${done}/${steps.length}`;
  return `${done + 1}/${steps.length} ${printableText(step)}`;
}
