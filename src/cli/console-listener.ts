import { StringDecoder } from 'node:string_decoder';
import { berthError } from '../base/errors.ts';
import type { ConsoleRequest } from './console.ts';
import { CursorQueryFilter } from './cursor-query.ts';
import type { Session } from './session.ts';

/** Without --until, the console has said all once it was quiet for this long after the input's end. */
const QUIET_MS = 1000;
/** How long to wait for the first output at all: an idle emulated guest may need a while. */
const FIRST_OUTPUT_MS = 5000;
/** Output kept under --json; what goes beyond is cut off at the front. */
const KEPT_CHARACTERS_MAX = 1024 * 1024;

/** Takes what comes from a console, prints or keeps it, and knows when enough has come. */
export class ConsoleListener {
  readonly finished: Promise<void>;
  readonly #session: Session;
  readonly #request: ConsoleRequest;
  readonly #decoder = new StringDecoder('utf8');
  readonly #settle: PromiseWithResolvers<void>;
  readonly #queries = new CursorQueryFilter();
  readonly #forTerminal: boolean;
  #kept = '';
  #heard = false;
  #inputDone = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(session: Session, request: ConsoleRequest) {
    this.#session = session;
    this.#request = request;
    this.#forTerminal = session.ports.stdout.isTTY === true;
    this.#settle = Promise.withResolvers<void>();
    this.finished = this.#settle.promise;
    // The race that reads it may be over already when it fails.
    this.finished.catch(() => {});
  }

  /** Prints bytes from the guest; under --json keeps them for the answer. */
  async take(raw: Uint8Array): Promise<void> {
    const bytes = this.#forTerminal ? raw : this.#queries.take(raw);
    if (!this.#session.json) await this.#session.print(bytes);
    this.#heard = true;
    const { until } = this.#request;
    if (this.#session.json || until !== undefined) {
      this.#kept = (this.#kept + this.#decoder.write(Buffer.from(bytes))).slice(
        -KEPT_CHARACTERS_MAX,
      );
    }
    if (until !== undefined && this.#kept.includes(until)) this.finish();
    else if (this.#inputDone && until === undefined) this.#wait(QUIET_MS);
  }

  /** The input is sent: end when it is quiet, or when the awaited text has come. */
  inputEnded(): void {
    this.#inputDone = true;
    if (this.#request.until === undefined) {
      this.#wait(this.#heard ? QUIET_MS : FIRST_OUTPUT_MS);
      return;
    }
    const afterMs = Number(this.#request.timeout) * 1000;
    const what = `"${this.#request.until}" on the console of ${this.#request.name}`;
    this.#timer = setTimeout(
      () => this.fail(berthError('BERTH_DEADLINE', { what, afterMs })),
      afterMs,
    );
  }

  finish(): void {
    this.#settle.resolve();
  }

  readonly fail = (error: unknown): void => {
    this.#settle.reject(error);
  };

  dispose(): void {
    clearTimeout(this.#timer);
  }

  /** Ends the output: a line break on a terminal, the document under --json. */
  async answer(): Promise<void> {
    const vm = this.#request.name;
    if (this.#session.json) await this.#session.answer({ vm, output: this.#kept }, () => '');
    else if (this.#session.ports.stdin.isTTY === true) await this.#session.note(`\nleft ${vm}`);
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.finish(), ms);
  }
}
