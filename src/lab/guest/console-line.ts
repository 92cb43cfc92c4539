import type { Duplex } from 'node:stream';
import { berthError } from '../../base/errors.ts';

/**
 * How much of what a console wrote since the last typed line is looked at. The longest answer takes
 * 45,000 characters; the rest is room for what the guest writes of its own accord.
 */
export const CONSOLE_TEXT_MAX = 512 * 1024;

/** How long the other side may take to agree that the console is closed. */
const CLOSE_MS = 2_000;

/** How long something on a console may be waited for. */
export interface ConsoleWait {
  /** Names what is waited for: `the command "sync" in guest web1`. */
  readonly what: string;
  readonly signal: AbortSignal | undefined;
  /** The moment, of performance.now(), when the deadline is over. */
  readonly until: number;
  /** How long that was altogether, to be told. */
  readonly deadlineMs: number;
}

/** What is typed, and how its answer is known. */
export interface ConsoleQuestion<T> {
  /** What to type, by how many times it was typed before. */
  readonly typed: (times: number) => string;
  /** How long to wait for an answer before it is typed once more. */
  readonly againMs: (times: number) => number;
  /** Finds the answer in what the console wrote; `damaged` when it came, but not whole. */
  readonly find: (text: string) => T | 'damaged' | undefined;
}

/** A console on which lines are typed and their answers awaited. */
export class ConsoleLine {
  readonly #console: Duplex;
  /** What came since the last typed line; one character for each byte. */
  #text = '';
  #ended: { readonly reason: string; readonly cause: unknown } | undefined;
  #onChange = (): void => undefined;

  constructor(console: Duplex) {
    this.#console = console;
    console.on('data', (bytes: Buffer) => {
      this.#text = (this.#text + bytes.toString('latin1')).slice(-CONSOLE_TEXT_MAX);
      this.#onChange();
    });
    console.on('error', (error: Error) => this.#end(error.message, error));
    console.on('end', () => this.#end('the guest ended', undefined));
    console.on('close', () => this.#end('it was closed', undefined));
  }

  /**
   * Types a line and waits until its answer is found in what has come since. As what is typed at
   * the wrong moment gets lost, and answers are broken by others' messages, it is typed again and
   * again; the guest must be able to bear that.
   * @throws BERTH_CONNECTION_CLOSED when the console ends, BERTH_DEADLINE, BERTH_INTERRUPTED.
   */
  async ask<T>(question: ConsoleQuestion<T>, wait: ConsoleWait): Promise<T> {
    const onAbort = (): void => this.#onChange();
    wait.signal?.addEventListener('abort', onAbort);
    try {
      return await this.#ask(question, wait);
    } finally {
      wait.signal?.removeEventListener('abort', onAbort);
    }
  }

  async #ask<T>({ typed, againMs, find }: ConsoleQuestion<T>, wait: ConsoleWait): Promise<T> {
    this.#text = '';
    let againAt = performance.now();
    for (let times = 0; ;) {
      const found = find(this.#text);
      if (found !== undefined && found !== 'damaged') return found;
      this.#check(wait);
      if (found === 'damaged') this.#text = '';
      if (found === 'damaged' || performance.now() >= againAt) {
        this.#console.write(typed(times));
        againAt = performance.now() + againMs(times);
        times++;
      }
      await this.#change(Math.min(againAt, wait.until) - performance.now());
    }
  }

  /** Closes the console; when it returns, another may open it. */
  async close(): Promise<void> {
    if (this.#console.closed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#console.once('close', resolve);
    const timer = setTimeout(() => this.#console.destroy(), CLOSE_MS);
    this.#console.end();
    await promise;
    clearTimeout(timer);
  }

  #end(reason: string, cause: unknown): void {
    this.#ended ??= { reason, cause };
    this.#onChange();
  }

  #check({ what, signal, until, deadlineMs }: ConsoleWait): void {
    if (this.#ended !== undefined) {
      const { reason, cause } = this.#ended;
      throw berthError('BERTH_CONNECTION_CLOSED', { where: 'the console', reason }, { cause });
    }
    if (signal?.aborted === true) throw berthError('BERTH_INTERRUPTED', { what });
    if (performance.now() >= until)
      throw berthError('BERTH_DEADLINE', { what, afterMs: deadlineMs });
  }

  /** Waits until something has come, the console has ended, the wait was aborted or time is over. */
  async #change(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onChange = resolve;
    const timer = setTimeout(resolve, Math.max(1, Math.ceil(ms)));
    await promise;
    clearTimeout(timer);
  }
}
