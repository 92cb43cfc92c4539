import type { Arrival, Flavor } from '../../model/arrival.ts';

/** Where the lifetimes come from that a policy is told, beside those that a trace tells itself. */
export type LifetimeSource = 'history' | 'none';

/** What is known of the guests of one kind. Times in seconds. */
interface KindRecord {
  ended: number;
  /** How long the ended ones were there, together. */
  stayed: number;
  running: number;
  /** When the running ones came, added up. */
  came: number;
}

/**
 * Guesses how long guests stay from what was seen of their kind so far: the time that all of them
 * have been there, the running ones up to now, by the number of those that have gone. So the ones
 * that stay long count before they end. That is the likeliest mean, should going be as likely at any
 * age. It is never told when a guest will go, only that it has gone.
 */
export class LifetimeGuess {
  readonly #records = new Map<Flavor, KindRecord>();

  /** A guest was placed. */
  came({ flavor, at }: Arrival): void {
    const record = this.#records.get(flavor) ?? { ended: 0, stayed: 0, running: 0, came: 0 };
    this.#records.set(flavor, record);
    record.running++;
    record.came += at;
  }

  /** A guest that came has gone. */
  left({ flavor, at }: Arrival, time: number): void {
    const record = this.#records.get(flavor);
    if (record === undefined) return;
    record.running--;
    record.came -= at;
    record.ended++;
    record.stayed += time - at;
  }

  /** Seconds that a guest of that kind is expected to stay; undefined while too few have gone. */
  of(flavor: Flavor, now: number): number | undefined {
    const record = this.#records.get(flavor);
    if (record === undefined || record.ended < ENDED_LEAST) return undefined;
    return (record.stayed + record.running * now - record.came) / record.ended;
  }
}

/** One or two say little of the others. */
const ENDED_LEAST = 3;
