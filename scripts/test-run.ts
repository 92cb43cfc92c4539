import type { TestBatch } from './test-batches.ts';
import { runBatch, stopSignal } from './test-process.ts';
import type { TestTally } from './test-tally.ts';

const SLOWEST_SHOWN = 5;

/** Batches being run, with what is told of their progress. */
export class TestRun {
  readonly #tally: TestTally;
  readonly #total: number;
  readonly #since = Date.now();
  readonly #times: { readonly title: string; readonly ms: number }[] = [];
  #begun = 0;

  constructor(tally: TestTally, total: number) {
    this.#tally = tally;
    this.#total = total;
  }

  /**
   * Runs batches, some at once; each is asked for only when there is room for it.
   * @throws the reason of `stopSignal` when this process is to end.
   */
  async each(batches: Iterator<TestBatch>, atOnce: number): Promise<void> {
    const work = async (): Promise<void> => {
      for (let next = batches.next(); next.done !== true; next = batches.next()) {
        await this.#one(next.value);
        stopSignal.throwIfAborted();
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }

  /** Names what took longest, and says when all of it took longer than it should. */
  tellTime(mostMs: number): void {
    const slowest = this.#times.toSorted((a, b) => b.ms - a.ms).slice(0, SLOWEST_SHOWN);
    if (slowest.length > 0) console.log('slowest:');
    for (const { title, ms } of slowest) console.log(`  ${duration(ms).padStart(12)}  ${title}`);
    const ms = Date.now() - this.#since;
    const isLate = ms > mostMs ? `, more than the ${duration(mostMs)} they should` : '';
    console.log(`the tests took ${duration(ms)}${isLate}`);
  }

  async #one(batch: TestBatch): Promise<void> {
    const count = batch.again ? '' : `[${++this.#begun}/${this.#total}] `;
    if (batch.alone) this.#tell(`${count}${batch.title}`);
    const { results, problem, output, ms } = await runBatch(batch);
    const hasFailed = problem !== undefined || results.some(([, { passed }]) => !passed);
    this.#tell(`${count}${batch.title}: ${hasFailed ? 'FAILED' : 'ok'} after ${duration(ms)}`);
    // Of a round that went well there is nothing new to say.
    if (hasFailed || !batch.again) process.stdout.write(output);
    if (!batch.again) this.#times.push({ title: batch.title, ms });
    if (problem !== undefined) this.#tally.fail(`${batch.title}: ${problem}`);
    if (batch.again && !hasFailed) this.#tally.check(batch.title, results.length > 0);
    for (const [file, result] of results) {
      if (!batch.again || !result.passed) this.#tally.test(file, result);
    }
  }

  #tell(text: string): void {
    console.log(`${duration(Date.now() - this.#since)}  ${text}`);
  }
}

function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
}
