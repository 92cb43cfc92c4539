import { cut } from '../block.ts';
import type { Session } from '../session.ts';

const BAR_COLUMNS = 20;
/** Back to the line's start, and the rest of it erased. */
const CLEAR_LINE = '\r\u001b[2K';

/** How far a long piece of work is, on standard error; nothing where that is no terminal. */
export class ProgressBar {
  readonly #session: Session;
  #shown = false;

  constructor(session: Session) {
    this.#session = session;
  }

  /** `default  [#####-----] 1200/3000 5 refused`. */
  show(title: string, work: { done: number; total: number; note: string }): void {
    const { live, columns } = this.#session.err;
    if (!live) return;
    const filled = Math.round((work.done / Math.max(1, work.total)) * BAR_COLUMNS);
    const bar = `[${'#'.repeat(filled)}${'-'.repeat(BAR_COLUMNS - filled)}]`;
    const text = `${title}  ${bar} ${work.done}/${work.total} ${work.note}`;
    this.#session.ports.stderr.write(CLEAR_LINE + cut(text, columns - 1));
    this.#shown = true;
  }

  /** Takes the line away, so that the answer stands in its place. */
  end(): void {
    if (this.#shown) this.#session.ports.stderr.write(CLEAR_LINE);
    this.#shown = false;
  }
}
