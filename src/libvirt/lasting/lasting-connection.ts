import { berthError, isBerthError, type BerthError } from '../../base/errors.ts';
import type { ConnectOptions } from '../connect.ts';
import { openConnection } from '../connect.ts';
import type { Closure, Connection, OpenedStream, Subscription } from '../connection.ts';
import type { DaemonConnection } from '../daemon-connection.ts';
import type { EventFeed } from '../events/event-feed.ts';
import type { EventKind } from '../events/event-kind.ts';
import { isLibvirtError } from '../libvirt-error.ts';
import { QUEUE_MAX, WINDOW } from '../rpc/call-table.ts';
import { systemClock, type Clock } from '../rpc/clock.ts';
import type { Taking } from '../rpc/pending-call.ts';
import { checkProcedure } from '../rpc/procedure.ts';
import type { CallProcedure, StreamDirection, StreamProcedure } from '../rpc/procedure.ts';
import { shareWait, within, type Wait } from '../rpc/wait.ts';
import { checkBounds, STREAM_BOUNDS_DEFAULT } from '../streams/stream-pool.ts';
import { parseUri, type LibvirtUri } from '../uri.ts';
import { BACKOFF_DEFAULT, checkTimes, pauseMs, prospectOf, type Backoff } from './backoff.ts';
import { LastingSubscription, type KeptSubscription } from './lasting-subscription.ts';

/** How a lasting connection stands. */
export type LinkState =
  /** An attempt is under way, up to the end of the resync. */
  | { readonly phase: 'connecting' }
  | { readonly phase: 'open' }
  /** The next attempt begins that many milliseconds after the state began. */
  | { readonly phase: 'away'; readonly error: unknown; readonly retryInMs: number }
  /** It was closed, or nothing but another URI would help. */
  | { readonly phase: 'ended'; readonly error: unknown };

/** What a lasting connection is made of. */
export interface LastingOptions extends ConnectOptions {
  /** A number from 0 to below 1, such as `Math.random`; the pauses depend on it. */
  readonly random: () => number;
  readonly backoff?: Backoff | undefined;
  /** Milliseconds for one attempt to connect, and for each registration; 10 s unless said otherwise. */
  readonly connectMs?: number | undefined;
  /** Milliseconds for a resync; 60 s unless said otherwise. */
  readonly resyncMs?: number | undefined;
  /**
   * Reads everything again, on each new connection, the first one included: all subscriptions are
   * registered by then, and their events wait until it is done. Failing ends that connection. Use
   * the connection that is given: the lasting one lets nothing through before.
   */
  readonly resync?: ((connection: Connection, wait: Wait) => Promise<void>) | undefined;
  /**
   * Waits for leave to make an attempt, for whoever has many connections; what comes out is called
   * when the attempt has ended, well or not. It throws only when the signal aborts.
   */
  readonly leave?: ((signal: AbortSignal) => Promise<() => void>) | undefined;
  /** Hears every change of the state, in order. It must not throw. */
  readonly onState?: ((state: LinkState) => void) | undefined;
}

/**
 * A connection that comes back by itself. After an end that nobody asked for it connects again, with
 * pauses that double; everything is registered anew before anything is read, so that no change
 * between the two is missed.
 *
 * What is made while it is away waits for it, up to its own deadline (BERTH_DEADLINE; then nothing
 * was sent). No call is ever sent twice: one that had left when the connection ended fails as on a
 * plain connection, with its outcome unknown if it changes something. A stream ends with the
 * connection that it was opened on. A feed goes on over all connections, and reading it throws
 * BERTH_EVENTS_MISSED once at each place where there was none; one that is asked for before the first
 * connection is registered before the first resync.
 *
 * A connection that lets nothing more through, since the callers of all four calls that may be
 * under way gave up, is replaced; streams on it go on until they end.
 *
 * It gives up only where nothing but another URI or other options would help (BERTH_URI_INVALID,
 * BERTH_SPEC_INVALID, BERTH_TOO_LARGE). What somebody has to mend over there, such as credentials
 * or a host key, is tried again at the longest pause.
 */
export interface LastingConnection
  extends
    AsyncDisposable,
    Pick<Connection, 'call' | 'closed' | 'openStream' | 'subscribe' | 'uri'> {
  readonly state: LinkState;
  /** As of the connection of now; undefined while there is none, for the next may know more or less. */
  readonly libVersion: number | undefined;
  /** As of the connection of now; undefined while there is none. */
  has(feature: number): boolean | undefined;
  /** Tries at once while it is away; replaces the connection that is open, for that reason. */
  renew(reason: string): void;
  /** Ends it; whatever waits is rejected. The wait is for the good-bye. */
  close(wait: Wait): Promise<void>;
}

/** Why a connection is replaced that works, but not for us. */
const STUCK = `the callers of all ${WINDOW} calls that may be under way gave up`;

const CONNECT_MS = 10_000;
const RESYNC_MS = 60_000;
const DISPOSE_MS = 5000;

/**
 * Connects to a daemon and stays connected until it is closed. It returns at once: `call` and
 * `subscribe` wait for the connection, and `state` tells how it stands.
 * @throws BERTH_URI_INVALID and BERTH_SPEC_INVALID at once.
 */
export function lastingConnection(uri: string, options: LastingOptions): LastingConnection {
  checkBounds(options.streams ?? STREAM_BOUNDS_DEFAULT);
  const { connectMs = CONNECT_MS, resyncMs = RESYNC_MS, backoff = BACKOFF_DEFAULT } = options;
  checkTimes({ connectMs, resyncMs, ...backoff });
  return new ReconnectingConnection(parseUri(uri), options);
}

class ReconnectingConnection implements LastingConnection {
  readonly uri: LibvirtUri;
  readonly #options: LastingOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #subscriptions = new Set<KeptSubscription>();
  readonly #retired = new Set<DaemonConnection>();
  readonly #waiting = new Set<PromiseWithResolvers<DaemonConnection>>();
  readonly #closed = Promise.withResolvers<Closure>();
  readonly #work: Promise<void>;
  #state: LinkState = { phase: 'connecting' };
  #open: DaemonConnection | undefined;
  #ending: BerthError | undefined;
  #closing: Promise<void> | undefined;
  /** Ends the pause or the connection of now. */
  #interrupt: (error: BerthError) => void = () => undefined;

  constructor(uri: LibvirtUri, options: LastingOptions) {
    this.uri = uri;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#work = this.#keepUp();
  }

  get state(): LinkState {
    return this.#state;
  }

  get closed(): Promise<Closure> {
    return this.#closed.promise;
  }

  get libVersion(): number | undefined {
    return this.#open?.libVersion;
  }

  has(feature: number): boolean | undefined {
    return this.#open?.has(feature);
  }

  async call<A, R>(procedure: CallProcedure<A, R>, args: NoInfer<A>, wait: Wait): Promise<R> {
    checkProcedure(procedure);
    const rest = shareWait(this.#clock, wait, procedure.name);
    for (;;) {
      const connection = this.#open ?? (await this.#opened(procedure.name, rest()));
      const taking = new Departure<R>();
      try {
        return await connection.callTaking(procedure, args, rest(), taking);
      } catch (error) {
        if (taking.hasLeft || !isEnd(error)) throw error;
        if (this.#open === connection) this.#open = undefined;
      }
    }
  }

  async openStream<A, R, D extends StreamDirection>(
    procedure: StreamProcedure<A, R, D>,
    args: NoInfer<A>,
    wait: Wait,
  ): Promise<OpenedStream<R, D>> {
    checkProcedure(procedure);
    const rest = shareWait(this.#clock, wait, procedure.name);
    const connection = this.#open ?? (await this.#opened(procedure.name, rest()));
    return connection.openStream(procedure, args, rest());
  }

  async subscribe<E, O>(
    kind: EventKind<E, O>,
    subscription: Subscription<O>,
    wait: Wait,
  ): Promise<EventFeed<E>> {
    this.#mustGoOn();
    const rest = shareWait(this.#clock, wait, kind.name);
    const onClose = (): void => void this.#subscriptions.delete(one);
    const parts = { kind, subscription, where: this.uri.text, clock: this.#clock, onClose };
    const one: LastingSubscription<E, O> = new LastingSubscription<E, O>(parts);
    this.#subscriptions.add(one);
    try {
      await this.#registerNow(one, rest);
      const what = `${kind.name}, never sent while ${this.uri.text} was away,`;
      await within(one.registered, what, this.#clock, rest());
      return one.feed;
    } catch (error) {
      this.#subscriptions.delete(one);
      one.end(error);
      throw error;
    }
  }

  renew(reason: string): void {
    this.#interrupt(this.#closedError(reason));
  }

  async close(wait: Wait): Promise<void> {
    this.#closing ??= this.#end(this.#closedError('it was closed here'), wait);
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close({ deadlineMs: DISPOSE_MS });
  }

  async #keepUp(): Promise<void> {
    const { backoff = BACKOFF_DEFAULT, random } = this.#options;
    let failures = 0;
    await Promise.resolve(); // so that who made it can subscribe before anything happens
    while (this.#ending === undefined) {
      this.#become({ phase: 'connecting' });
      const { error, openMs, prospect } = await this.#oneConnection();
      if (this.#ending !== undefined) return;
      if (prospect === 'never') return this.#giveUp(error);
      failures = openMs >= backoff.steadyMs ? 1 : failures + 1;
      const chance = random();
      const retryInMs = pauseMs(backoff, prospect === 'seldom' ? Infinity : failures, chance);
      this.#become({ phase: 'away', error, retryInMs });
      await this.#pause(retryInMs);
    }
  }

  /** Opens a connection and keeps it to its end; never rejects. */
  async #oneConnection() {
    let connection: DaemonConnection;
    let ended: () => void = () => undefined;
    try {
      const { connectMs = CONNECT_MS, leave } = this.#options;
      if (leave !== undefined) ended = await leave(this.#stop.signal);
      const wait = { deadlineMs: connectMs, signal: this.#stop.signal };
      connection = await openConnection(this.uri, this.#options, wait);
    } catch (error) {
      ended();
      return { error, openMs: 0, prospect: prospectOf(error) };
    }
    let since = Infinity;
    const gone = new AbortController();
    try {
      await this.#untilEnd(connection, AbortSignal.any([this.#stop.signal, gone.signal]), () => {
        since = this.#clock.now();
        ended();
      });
    } catch (error) {
      ended();
      this.#detach(connection, error);
      gone.abort(error);
      return { error, openMs: Math.max(0, this.#clock.now() - since), prospect: 'soon' as const };
    }
    return { error: undefined, openMs: 0, prospect: 'soon' as const };
  }

  /**
   * Takes a connection into use; rejects with the reason of its end, or of not being of use.
   * @param signal is aborted once it is let go.
   */
  async #untilEnd(
    connection: DaemonConnection,
    signal: AbortSignal,
    onOpen: () => void,
  ): Promise<void> {
    this.#mustGoOn();
    const over = Promise.withResolvers<never>();
    over.promise.catch(() => undefined);
    this.#interrupt = over.reject;
    void connection.closed.then(({ error }) => over.reject(error));
    void connection.stuck.then(() => over.reject(this.#closedError(STUCK)));
    await Promise.race([this.#takeUp(connection, signal), over.promise]);
    this.#mustGoOn(); // who closed it in this moment came too late for the race
    onOpen();
    this.#open = connection;
    for (const one of this.#subscriptions) if (one.isOn(connection)) one.deliver();
    this.#become({ phase: 'open' });
    for (const waiting of this.#waiting) waiting.resolve(connection);
    await Promise.race([over.promise, this.#registerLate(connection, signal)]);
    await over.promise;
  }

  /** Registers first and reads then: what changes in between is told by an event. */
  async #takeUp(connection: DaemonConnection, signal: AbortSignal): Promise<void> {
    const { resync, resyncMs = RESYNC_MS } = this.#options;
    await this.#registerAll(connection, signal);
    if (resync === undefined) return;
    const wait = { deadlineMs: resyncMs, signal };
    const what = `reading ${this.uri.text} anew`;
    await within(resync(connection, wait), what, this.#clock, wait);
  }

  async #registerAll(connection: DaemonConnection, signal: AbortSignal): Promise<void> {
    const missing = [...this.#subscriptions].filter((one) => !one.isOn(connection));
    await Promise.all(missing.map(async (one) => this.#register(one, connection, signal)));
  }

  /** Subscriptions that were asked for during the resync: nobody relied on them in it. */
  async #registerLate(connection: DaemonConnection, signal: AbortSignal): Promise<void> {
    const late = [...this.#subscriptions].filter((one) => !one.isOn(connection));
    await this.#registerAll(connection, signal);
    for (const one of late) if (one.isOn(connection)) one.deliver();
  }

  /** A subscription that libvirt refuses now ends; the others must not suffer for it. */
  async #register(
    one: KeptSubscription,
    connection: DaemonConnection,
    signal: AbortSignal,
  ): Promise<void> {
    const { connectMs = CONNECT_MS } = this.#options;
    try {
      await one.register(connection, { deadlineMs: connectMs, signal });
    } catch (error) {
      if (!isLibvirtError(error)) throw error;
      this.#subscriptions.delete(one);
      one.end(error);
    }
  }

  /** Without a connection, or when it ends meanwhile, the next one does it. */
  async #registerNow(one: KeptSubscription, rest: () => Wait): Promise<void> {
    const connection = this.#open;
    if (connection === undefined) return;
    try {
      await one.register(connection, rest());
      if (one.isOn(connection)) one.deliver();
    } catch (error) {
      if (!isEnd(error)) throw error;
    }
  }

  /** Streams may go on where calls can no more; nothing else of the connection is of use. */
  #detach(connection: DaemonConnection, error: unknown): void {
    this.#open = undefined;
    const cause = isBerthError(error) ? error : this.#closedError(String(error));
    for (const one of this.#subscriptions) one.detach(cause);
    this.#retired.add(connection);
    void connection.retire(cause).then(() => this.#retired.delete(connection));
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#interrupt = () => resolve();
    if (this.#ending !== undefined) return; // whoever heard of the pause closed it
    const cancel = this.#clock.after(ms, resolve);
    await promise;
    cancel();
  }

  /** The connection, once there is one. */
  async #opened(name: string, wait: Wait): Promise<DaemonConnection> {
    this.#mustGoOn();
    if (this.#waiting.size >= QUEUE_MAX) {
      const what = `the number of calls that wait for ${this.uri.text}`;
      throw berthError('BERTH_TOO_LARGE', { what, size: this.#waiting.size + 1, max: QUEUE_MAX });
    }
    const waiting = Promise.withResolvers<DaemonConnection>();
    this.#waiting.add(waiting);
    try {
      const what = `${name}, never sent while ${this.uri.text} was away,`;
      return await within(waiting.promise, what, this.#clock, wait);
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  async #end(error: BerthError, wait: Wait): Promise<void> {
    const open = this.#open;
    this.#finish(error, error, true);
    await open?.close(wait);
    await this.#work;
    for (const connection of this.#retired) connection.destroy('it was closed here');
  }

  #giveUp(error: unknown): void {
    const coded = isBerthError(error) ? error : this.#closedError(String(error));
    this.#finish(coded, error, false);
  }

  #finish(ending: BerthError, error: unknown, asked: boolean): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#open = undefined;
    for (const waiting of this.#waiting) waiting.reject(ending);
    for (const one of this.#subscriptions) {
      one.detach(ending); // its registration ends with the connection
      one.end(ending);
    }
    this.#subscriptions.clear();
    this.#become({ phase: 'ended', error });
    this.#closed.resolve({ asked, error: ending });
    this.#stop.abort(ending);
    this.#interrupt(ending);
  }

  #become(state: LinkState): void {
    if (this.#state.phase === 'ended') return;
    this.#state = state;
    this.#options.onState?.(state);
  }

  #mustGoOn(): void {
    if (this.#ending !== undefined) throw this.#ending;
  }

  #closedError(reason: string): BerthError {
    return berthError('BERTH_CONNECTION_CLOSED', { where: this.uri.text, reason });
  }
}

/** Takes a result as it is, and knows whether the call was sent. */
class Departure<R> implements Taking<R, R> {
  hasLeft = false;

  depart(): void {
    this.hasLeft = true;
  }

  accept(result: R): R {
    return result;
  }
}

/** True for the errors that a call gets when its connection ends before it was sent. */
function isEnd(error: unknown): boolean {
  return isBerthError(error, 'BERTH_CONNECTION_CLOSED') || isBerthError(error, 'BERTH_PROTOCOL');
}
