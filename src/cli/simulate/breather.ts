import { setImmediate } from 'node:timers/promises';
import type { Session } from '../session.ts';

/** Longer than this the program does not look up from its work. */
const BREATH_MS = 50;

/**
 * Lets signals and output through now and then during long work. `stopped` tells afterwards whether
 * somebody pressed Ctrl-C.
 */
export class Breather {
  readonly #session: Session;
  #last = performance.now();

  constructor(session: Session) {
    this.#session = session;
  }

  get stopped(): boolean {
    const { signal, leave } = this.#session.ports;
    return signal.aborted || leave.aborted;
  }

  /** True when it is time for a breath. */
  get isDue(): boolean {
    return performance.now() - this.#last > BREATH_MS;
  }

  async breathe(): Promise<void> {
    await setImmediate();
    this.#last = performance.now();
  }
}
