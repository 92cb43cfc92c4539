/**
 * Hears what `up` and `down` do, step by step, so that a person can watch. A step is begun, may
 * tell details, and ends by `done` or, when nothing had to be done, by `skip`. A step that fails gets
 * no end: the error that `up` or `down` throws is its end.
 */
export interface UpProgress {
  /** @param id stable name of the step; @param title what it is about, to be shown. */
  begin(id: string, title: string): void;
  /** What the step is at; each replaces the one before. */
  detail(id: string, text: string): void;
  done(id: string, note?: string): void;
  skip(id: string, why: string): void;
  /** Something to know that is no failure. */
  warn(text: string): void;
}
