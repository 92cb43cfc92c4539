import { berthError } from '../base/errors.ts';
import type { UpProgress } from './progress.ts';

/** What a step did. */
export interface Outcome<T> {
  readonly value: T;
  /** False when everything was as wanted already. */
  readonly changed: boolean;
  /** What is there now, or why nothing had to be done. */
  readonly note: string;
}

/** The steps of one `up` or `down`: shown as they go, and remembered if they changed anything. */
export class Checklist {
  #changed = false;
  readonly #progress: UpProgress;
  readonly #signal: AbortSignal;
  readonly #what: string;

  /** @param what the command, for the message when a person stops it. */
  constructor(what: string, progress: UpProgress, signal: AbortSignal) {
    this.#what = what;
    this.#progress = progress;
    this.#signal = signal;
  }

  get changed(): boolean {
    return this.#changed;
  }

  /**
   * Works one step off.
   * @throws BERTH_INTERRUPTED before a step when the signal is aborted; else what the step throws.
   */
  async step<T>(
    id: string,
    title: string,
    work: (detail: (text: string) => void) => Promise<Outcome<T>>,
  ): Promise<T> {
    this.throwIfInterrupted();
    this.#progress.begin(id, title);
    const outcome = await work((text) => this.#progress.detail(id, text));
    if (outcome.changed) {
      this.#changed = true;
      this.#progress.done(id, outcome.note);
    } else {
      this.#progress.skip(id, outcome.note);
    }
    return outcome.value;
  }

  /** A step that only finds out or decides something; it counts as no change. */
  async decide<T>(
    id: string,
    title: string,
    work: () => Promise<{ readonly value: T; readonly note: string }>,
  ): Promise<T> {
    this.throwIfInterrupted();
    this.#progress.begin(id, title);
    const { value, note } = await work();
    this.#progress.done(id, note);
    return value;
  }

  throwIfInterrupted(): void {
    if (this.#signal.aborted) throw berthError('BERTH_INTERRUPTED', { what: this.#what });
  }
}
