import { berthError, isBerthError, type BerthError } from '../../base/errors.ts';
import type { OpenedStream } from '../connection.ts';
import type { Clock } from '../rpc/clock.ts';
import { checkProcedure, type StreamDirection, type StreamProcedure } from '../rpc/procedure.ts';
import { shareWait, within, type Wait } from '../rpc/wait.ts';
import type { WireConnection } from '../wire-connection.ts';

/** How many connections a client may spend on streams. Each stream has one of its own. */
export interface StreamBounds {
  /** Streams open at the same time, 1 to 1,000; more of them wait for their turn. */
  readonly atOnce: number;
  /** Connections kept for the next stream when theirs has ended, 0 to 100. */
  readonly idle: number;
  /** Milliseconds after which one that is kept is closed. */
  readonly idleMs: number;
}

/** Far below what a daemon (5,000 clients) and an SSH server on the way take. */
export const STREAM_BOUNDS_DEFAULT: StreamBounds = { atOnce: 32, idle: 2, idleMs: 30_000 };

/** How long closing a connection that nobody uses waits for the daemon's good-bye. */
const GOOD_BYE_MS = 1000;

interface PoolParts {
  readonly clock: Clock;
  readonly bounds: StreamBounds;
  /** Opens one more connection to the same place. */
  readonly connect: (wait: Wait) => Promise<WireConnection>;
}

/** Who waits for a place. */
interface Waiting extends PromiseWithResolvers<void> {
  /** True once the place is theirs, also where they give up in that very moment. */
  hasPlace: boolean;
}

/**
 * The connections on which a client's streams run, one each, apart from its calls: data that nobody
 * reads stop a whole connection, and data that the daemon cannot get rid of stop it there. A
 * connection whose stream ended in good order on both sides carries another; any other is closed.
 *
 * There is no keepalive on them: a paused reader could not answer the daemon's questions, and a
 * daemon that waits for a guest to take its input does not answer ours. They end with the main
 * connection, and that one does watch the other side.
 */
export class StreamPool {
  readonly #parts: PoolParts;
  readonly #all = new Set<WireConnection>();
  readonly #idle = new Map<WireConnection, () => void>();
  readonly #queue = new Set<Waiting>();
  readonly #drained = new Set<() => void>();
  #taken = 0;
  #ending: BerthError | undefined;

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** Opens a stream; the wait covers its turn, its connection and the opening call. */
  async open<A, R, D extends StreamDirection>(
    procedure: StreamProcedure<A, R, D>,
    args: NoInfer<A>,
    wait: Wait,
  ): Promise<OpenedStream<R, D>> {
    checkProcedure(procedure);
    const rest = shareWait(this.#parts.clock, wait, procedure.name);
    await this.#takePlace(procedure.name, rest());
    let wire: WireConnection | undefined;
    try {
      wire = this.#fromIdle() ?? (await this.#connect(rest()));
      const opened = await wire.openStream(procedure, args, rest());
      this.#watch(wire, opened.stream);
      return opened;
    } catch (error) {
      this.#giveBack(wire, true);
      throw error;
    }
  }

  /** Settles when no stream is open. */
  async drained(): Promise<void> {
    if (this.#taken === 0) return;
    await new Promise<void>((resolve) => this.#drained.add(resolve));
  }

  /** Ends every stream, and refuses more. */
  end(error: BerthError): void {
    this.#ending ??= error;
    for (const stop of this.#idle.values()) stop();
    this.#idle.clear();
    const isClosed = isBerthError(error, 'BERTH_CONNECTION_CLOSED');
    for (const wire of this.#all) wire.destroy(isClosed ? error.data.reason : error.message);
    for (const waiting of this.#queue) waiting.reject(error);
    this.#queue.clear();
  }

  /** A place among those that are open at the same time. Its holder gives it back. */
  async #takePlace(name: string, wait: Wait): Promise<void> {
    const { clock, bounds } = this.#parts;
    this.#mustGoOn();
    if (this.#taken < bounds.atOnce) {
      this.#taken++;
      return;
    }
    const waiting: Waiting = { ...Promise.withResolvers<void>(), hasPlace: false };
    this.#queue.add(waiting);
    try {
      const what = `${name}, never sent behind ${bounds.atOnce} open streams,`;
      await within(waiting.promise, what, clock, wait);
      this.#mustGoOn();
    } catch (error) {
      this.#queue.delete(waiting);
      if (waiting.hasPlace) this.#freePlace();
      throw error;
    }
  }

  #mustGoOn(): void {
    if (this.#ending !== undefined) throw this.#ending;
  }

  /** Hands the place on to who waits longest. */
  #freePlace(): void {
    const [next] = this.#queue;
    if (next !== undefined) {
      this.#queue.delete(next);
      next.hasPlace = true;
      return next.resolve();
    }
    this.#taken--;
    if (this.#taken > 0) return;
    for (const resolve of this.#drained) resolve();
    this.#drained.clear();
  }

  #fromIdle(): WireConnection | undefined {
    const [wire] = [...this.#idle.keys()].slice(-1);
    if (wire === undefined) return undefined;
    this.#idle.get(wire)?.();
    this.#idle.delete(wire);
    return wire;
  }

  async #connect(wait: Wait): Promise<WireConnection> {
    const wire = await this.#parts.connect(wait);
    this.#all.add(wire);
    void wire.closed.then(() => this.#forget(wire));
    if (this.#ending === undefined) return wire;
    wire.destroy(this.#ending.message);
    throw this.#ending;
  }

  #watch(wire: WireConnection, stream: OpenedStream<unknown, StreamDirection>['stream']): void {
    stream.once('close', () => this.#giveBack(wire, stream.errored === null));
  }

  #giveBack(wire: WireConnection | undefined, inOrder: boolean): void {
    if (wire !== undefined && !this.#keep(wire, inOrder)) close(wire);
    this.#freePlace();
  }

  /** Keeps a connection for the next stream; false for one that is not worth it. */
  #keep(wire: WireConnection, inOrder: boolean): boolean {
    const { clock, bounds } = this.#parts;
    const isSound = inOrder && wire.isQuiet && !wire.isOver && this.#ending === undefined;
    if (!isSound || this.#idle.size >= bounds.idle) return false;
    const stop = clock.after(bounds.idleMs, () => {
      this.#idle.delete(wire);
      close(wire);
    });
    this.#idle.set(wire, stop);
    return true;
  }

  #forget(wire: WireConnection): void {
    this.#all.delete(wire);
    this.#idle.get(wire)?.();
    this.#idle.delete(wire);
  }
}

/**
 * Checks bounds that a caller chose.
 * @throws BERTH_SPEC_INVALID
 */
export function checkBounds(bounds: StreamBounds): StreamBounds {
  const { atOnce, idle, idleMs } = bounds;
  check('atOnce', atOnce, 1, 1000);
  check('idle', idle, 0, 100);
  check('idleMs', idleMs, 1, 2 ** 31 - 1);
  return bounds;
}

function check(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw berthError('BERTH_SPEC_INVALID', {
    where: `bounds of streams, ${name}`,
    problem: `${value} cannot be used`,
    expected: `a number from ${least} to ${most}`,
  });
}

/** One with something unanswered is let go at once: a good-bye would wait behind it. */
function close(wire: WireConnection): void {
  if (wire.isQuiet) void wire.close({ deadlineMs: GOOD_BYE_MS });
  else wire.destroy('its stream was given up');
}
