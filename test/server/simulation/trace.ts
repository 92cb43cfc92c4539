import { createHash } from 'node:crypto';
import type { SimulatedClock } from './simulated-clock.ts';

/** How much of a run is told when it fails. */
const KEPT = 400;

/** What happened in a run, in order: the last of it in words, and all of it as a hash. */
export class Trace {
  readonly #clock: SimulatedClock;
  readonly #hash = createHash('sha256');
  #lines: string[] = [];
  #count = 0;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  add(what: string): void {
    const line = `${(this.#clock.elapsed / 1000).toFixed(3)} ${what}`;
    this.#hash.update(`${line}\n`);
    this.#count++;
    this.#lines.push(line);
    if (this.#lines.length > 2 * KEPT) this.#lines = this.#lines.slice(-KEPT);
  }

  get count(): number {
    return this.#count;
  }

  /** The last lines. */
  get tail(): readonly string[] {
    return this.#lines.slice(-KEPT);
  }

  /** Two runs that did the same have the same; ends the trace. */
  digest(): string {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}
