import type { UpProgress } from '../local/progress.ts';
import { cut } from './block.ts';
import { painter } from './look.ts';
import { printableText } from './printable.ts';
import type { Session } from './session.ts';

/** Back to the line's start, and the rest of it erased. */
const CLEAR_LINE = '\r\u001b[2K';
const FRAME_MS = 120;
const FRAMES = ['. ', '..', ' .', '  '] as const;

interface OpenLine {
  readonly id: string;
  readonly title: string;
  detail: string;
}

/**
 * The checklist of `up` and `down` on standard error. On a terminal the open line is drawn in place
 * with what is happening now; else each line is written when it begins and when it ends.
 */
export class Checklist implements UpProgress {
  readonly #session: Session;
  readonly #verbose: boolean;
  readonly #open: OpenLine[] = [];
  #frame = 0;
  #timer: NodeJS.Timeout | undefined;
  #drawn = false;

  constructor(session: Session, options: { readonly verbose: boolean }) {
    this.#session = session;
    this.#verbose = options.verbose;
  }

  begin(id: string, title: string): void {
    this.#open.push({ id, title: printableText(title), detail: '' });
    if (!this.#live) this.#line(this.#mark('[..]', 'faint'), title);
    this.#animate();
    this.#draw();
  }

  detail(id: string, text: string): void {
    const open = this.#open.find((line) => line.id === id);
    if (open === undefined || text === open.detail) return;
    open.detail = printableText(text);
    if (this.#verbose) this.#line('     ', `${open.title}: ${text}`);
    this.#draw();
  }

  done(id: string, note?: string): void {
    this.#close(id, this.#mark('[ok]', 'good'), note);
  }

  skip(id: string, why: string): void {
    this.#close(id, this.#mark('[--]', 'faint'), why);
  }

  warn(text: string): void {
    this.#line(this.#mark('[!!]', 'bad'), text);
    this.#draw();
  }

  /** Takes the moving line away while something else uses the terminal. */
  async pausedFor<T>(use: () => Promise<T>): Promise<T> {
    this.#pause();
    try {
      return await use();
    } finally {
      this.#animate();
      this.#draw();
    }
  }

  /** Ends the list: a line that is still open has failed. */
  end(): void {
    this.#pause();
    for (const { title, detail } of this.#open.splice(0)) {
      this.#line(this.#mark('[!!]', 'bad'), detail === '' ? title : `${title}: ${detail}`);
    }
  }

  get #live(): boolean {
    return this.#session.err.live && !this.#verbose;
  }

  #close(id: string, mark: string, note: string | undefined): void {
    const at = this.#open.findIndex((line) => line.id === id);
    const title = at === -1 ? id : (this.#open.splice(at, 1)[0]?.title ?? id);
    const c = painter(this.#session.err);
    const more = note === undefined || note === '' ? '' : c.dim(` (${printableText(note)})`);
    this.#line(mark, title, more);
    if (this.#open.length === 0) this.#pause();
    this.#draw();
  }

  #line(mark: string, text: string, more = ''): void {
    this.#erase();
    this.#session.ports.stderr.write(`${mark} ${printableText(text)}${more}\n`);
  }

  #draw(): void {
    const last = this.#open.at(-1);
    if (!this.#live || last === undefined) return;
    const moving = FRAMES[this.#frame % FRAMES.length] ?? '..';
    const detail = last.detail === '' ? '' : `: ${last.detail}`;
    const text = cut(`[${moving}] ${last.title}${detail}`, this.#session.err.columns - 1);
    this.#session.ports.stderr.write(CLEAR_LINE + text);
    this.#drawn = true;
  }

  #erase(): void {
    if (this.#drawn) this.#session.ports.stderr.write(CLEAR_LINE);
    this.#drawn = false;
  }

  #animate(): void {
    if (!this.#live || this.#timer !== undefined) return;
    this.#timer = setInterval(() => {
      this.#frame++;
      this.#draw();
    }, FRAME_MS);
    this.#timer.unref();
  }

  #pause(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#erase();
  }

  #mark(text: string, kind: 'good' | 'bad' | 'faint'): string {
    const c = painter(this.#session.err);
    return { good: c.green, bad: c.yellow, faint: c.dim }[kind](text);
  }
}
