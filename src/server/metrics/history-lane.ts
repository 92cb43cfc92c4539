import { USAGE_FIGURES } from '../../api/metrics.ts';
import type { UsageFigure } from '../../api/metrics.ts';
import { packBlock } from './history-block.ts';
import type { Usage } from './usage.ts';

/** Values of one block, at most: after that a new one begins. */
export const BLOCK_VALUES = 60;

/** A block as it is written. */
export interface PackedStretch {
  readonly start: number;
  readonly block: string;
}

/** A stretch of values that still grows, or has just been filled. */
interface Stretch {
  readonly start: number;
  readonly uses: (Usage | undefined)[];
}

/**
 * One series at one step. What comes within a step becomes one value, the mean; steps in which
 * nothing came are gaps.
 */
export class HistoryLane {
  readonly stepMs: number;
  #open: Stretch | undefined;
  readonly #full: Stretch[] = [];
  #slot: number | undefined;
  #within: Usage[] = [];
  #hasNews = false;

  constructor(stepMs: number) {
    this.stepMs = stepMs;
  }

  /**
   * Takes what was used up to that moment.
   * @param sinceMs how long it had been used so: it stands for every step that began meanwhile.
   */
  add(at: number, usage: Usage, sinceMs: number): void {
    const slot = Math.floor(at / this.stepMs);
    const before = this.#slot;
    if (before !== undefined && slot !== before) this.#close(before);
    const from = Math.floor((at - sinceMs) / this.stepMs) + 1;
    const first = before === undefined ? slot : Math.max(before + 1, from);
    for (let skipped = first; skipped < slot; skipped++) this.#push(skipped, usage);
    this.#slot = slot;
    this.#within.push(usage);
  }

  /** The blocks that have changed since this was asked the last time. */
  news(): readonly PackedStretch[] {
    const changed = [...this.#full.splice(0), ...(this.#hasNews ? this.#stretches() : [])];
    this.#hasNews = false;
    return changed.map(packed);
  }

  /** The block that still grows, and those that were filled since `news`. */
  current(): readonly PackedStretch[] {
    return [...this.#full, ...this.#stretches()].map(packed);
  }

  #stretches(): readonly Stretch[] {
    return this.#open === undefined ? [] : [this.#open];
  }

  #close(slot: number): void {
    this.#push(slot, meanOf(this.#within));
    this.#within = [];
  }

  #push(slot: number, usage: Usage): void {
    const start = slot * this.stepMs;
    const index = this.#open === undefined ? 0 : (start - this.#open.start) / this.stepMs;
    if (this.#open === undefined || index < this.#open.uses.length || index >= BLOCK_VALUES) {
      if (this.#open !== undefined) this.#full.push(this.#open);
      this.#open = { start, uses: [usage] };
    } else {
      while (this.#open.uses.length < index) this.#open.uses.push(undefined);
      this.#open.uses.push(usage);
    }
    this.#hasNews = true;
  }
}

function packed({ start, uses }: Stretch): PackedStretch {
  return { start, block: packBlock(uses) };
}

function meanOf(uses: readonly Usage[]): Usage {
  const [only] = uses;
  if (only !== undefined && uses.length === 1) return only;
  const mean = (figure: UsageFigure): number | undefined => {
    const told = uses.map((usage) => usage[figure]).filter((value) => value !== undefined);
    return told.length === 0
      ? undefined
      : told.reduce((sum, value) => sum + value, 0) / told.length;
  };
  const means = USAGE_FIGURES.map((figure) => [figure, mean(figure)] as const);
  return Object.fromEntries(means.filter(([, value]) => value !== undefined));
}
