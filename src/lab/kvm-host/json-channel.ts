import { open } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { berthError, isBerthError } from '../../base/errors.ts';
import { hasErrno } from '../system/errno.ts';

/** Longest line taken: what a command writes comes in one line, in base64. */
export const LINE_BYTES_MAX = 8 * 1024 * 1024;

/** How long to wait, and until when. */
export interface Wait {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** One object of a conversation in lines of JSON. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What a request came to: its result, or the `desc` of an error (qmp-spec, 2.4.2). */
export type Answer = { readonly value: unknown } | { readonly refusal: string };

/**
 * A conversation in lines of JSON over a unix socket, as QEMU's monitor and its guest agent hold
 * it: requests are answered in their order, and events may come between.
 */
export class JsonChannel {
  /** Hears every object that answers no request. */
  onEvent: (event: JsonObject) => void = () => undefined;
  readonly #socket: Socket;
  readonly #what: string;
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  #lineBytes = 0;
  #ended: Error | undefined;

  private constructor(socket: Socket, what: string) {
    this.#socket = socket;
    this.#what = what;
    socket.on('data', (chunk: Buffer) => this.#watchLength(chunk));
    socket.on('error', (error) => this.#end(error));
    socket.on('close', () => this.#end());
    createInterface({ input: socket, crlfDelay: Infinity })
      .on('line', (line) => this.#take(line))
      .on('error', () => undefined); // the socket's own, heard above
  }

  /**
   * Connects to a socket by folder and name. It goes through the folder's own descriptor, so that
   * the path may be longer than the 107 bytes that the kernel takes for a socket (unix(7)).
   * @throws BERTH_CONNECTION_CLOSED when nobody listens there.
   */
  static async connect(dir: string, name: string, what: string): Promise<JsonChannel> {
    const folder = await open(dir);
    try {
      const socket = createConnection(`/proc/self/fd/${folder.fd}/${name}`);
      const { promise, resolve, reject } = Promise.withResolvers<undefined>();
      socket.once('connect', () => resolve(undefined)).once('error', reject);
      await promise;
      socket.off('error', reject);
      return new JsonChannel(socket, what);
    } catch (error) {
      if (!hasErrno(error, 'ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE')) throw error;
      throw closed(what, 'nobody listens there', error);
    } finally {
      await folder.close();
    }
  }

  /**
   * Sends a request and waits for its answer.
   * @throws BERTH_CONNECTION_CLOSED, BERTH_DEADLINE, BERTH_INTERRUPTED.
   */
  async request(message: JsonObject, wait: Wait): Promise<Answer> {
    if (this.#ended !== undefined) throw this.#ended;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#waiting.push({ resolve, reject });
    this.#socket.write(`${JSON.stringify(message)}\n`);
    return within(wait, `the answer of ${this.#what}`, promise);
  }

  /** Ends the conversation; what is still waited for fails. */
  close(): void {
    this.#socket.destroy();
  }

  /** Lets this process end while the channel is open. */
  unref(): void {
    this.#socket.unref();
  }

  #take(line: string): void {
    const message = parseObject(line);
    if (message === undefined) {
      this.#end(closed(this.#what, 'it sent what is no object of JSON'));
      this.#socket.destroy();
    } else if ('return' in message) {
      this.#waiting.shift()?.resolve({ value: message['return'] });
    } else if ('error' in message) {
      this.#waiting.shift()?.resolve({ refusal: refusalOf(message['error']) });
    } else {
      this.onEvent(message);
    }
  }

  #watchLength(chunk: Buffer): void {
    const lastEnd = chunk.lastIndexOf('\n');
    this.#lineBytes = lastEnd < 0 ? this.#lineBytes + chunk.length : chunk.length - lastEnd - 1;
    if (this.#lineBytes <= LINE_BYTES_MAX) return;
    const size = this.#lineBytes;
    this.#end(berthError('BERTH_TOO_LARGE', { what: this.#what, size, max: LINE_BYTES_MAX }));
    this.#socket.destroy();
  }

  #end(cause?: Error): void {
    const reason = cause?.message ?? 'the other side ended';
    this.#ended ??= isBerthError(cause) ? cause : closed(this.#what, reason, cause);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}

/**
 * Waits for a promise until a deadline or an abort.
 * @throws BERTH_DEADLINE, BERTH_INTERRUPTED.
 */
export async function within<T>(
  { deadlineMs, signal }: Wait,
  what: string,
  promise: Promise<T>,
): Promise<T> {
  promise.catch(() => undefined); // not awaited any more after the deadline
  const stop = Promise.withResolvers<never>();
  const onAbort = (): void => stop.reject(berthError('BERTH_INTERRUPTED', { what }));
  const onDeadline = (): void =>
    stop.reject(berthError('BERTH_DEADLINE', { what, afterMs: deadlineMs }));
  const timer = setTimeout(onDeadline, deadlineMs);
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  try {
    return await Promise.race([promise, stop.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

function parseObject(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

function refusalOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'no reason given';
  return 'desc' in error && typeof error.desc === 'string' ? error.desc : JSON.stringify(error);
}

function closed(what: string, reason: string, cause?: unknown): Error {
  return berthError('BERTH_CONNECTION_CLOSED', { where: what, reason }, { cause });
}
