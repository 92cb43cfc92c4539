import { berthError } from '../../../src/base/errors.ts';
import type { BerthError } from '../../../src/base/errors.ts';
import { parseUri } from '../../../src/libvirt/index.ts';
import type { CallProcedure, Closure, Connection, Wait } from '../../../src/libvirt/index.ts';
import type { Chance } from './chance.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { ToldKind } from './simulated-domains.ts';
import type { HostListener, SimulatedHost } from './simulated-host.ts';

/** Calls that may be under way at a time, as the daemon counts them. */
const WINDOW = 4;
/** Milliseconds that a message takes one way. */
const WAY_MS = 3;

/** What a connection's messages pass through. */
export interface ConnectionSetting {
  readonly clock: SimulatedClock;
  readonly chance: Chance;
  /** Asked as a call leaves and as its reply comes; a process that dies there never goes on. */
  readonly pass: (where: string) => Promise<void>;
  /** Told of each call that leaves and changes something. */
  readonly onSent: (procedure: string, args: unknown) => void;
  /** Hears news in the daemon's order. */
  readonly onNews: (kind: ToldKind, uuid: string) => void;
}

interface Call {
  readonly procedure: { readonly name: string; readonly effect: boolean };
  readonly args: unknown;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  isSent: boolean;
  isSettled: boolean;
}

/**
 * A connection to a simulated host with the contract of the real client: four calls on their way at a
 * time, deadlines, and an outcome that is unknown where a reply is lost.
 */
export class SimulatedConnection implements Connection, HostListener {
  readonly uri;
  readonly libVersion = 9_000_000;
  readonly closed: Promise<Closure>;
  readonly #host: SimulatedHost;
  readonly #setting: ConnectionSetting;
  readonly #close: (closure: Closure) => void;
  readonly #unlisten: () => void;
  readonly #waiting: Call[] = [];
  readonly #underWay = new Set<Call>();
  #ending: BerthError | undefined;
  /** Messages from the daemon come in the order in which it sent them. */
  #lastArrival = 0;

  constructor(host: SimulatedHost, setting: ConnectionSetting) {
    this.uri = parseUri(host.uri);
    this.#host = host;
    this.#setting = setting;
    const { promise, resolve } = Promise.withResolvers<Closure>();
    this.closed = promise;
    this.#close = resolve;
    this.#unlisten = host.listen(this);
  }

  has(): boolean {
    return false;
  }

  async call<A, R>(procedure: CallProcedure<A, R>, args: NoInfer<A>, wait: Wait): Promise<R> {
    const { name } = procedure;
    await this.#setting.pass(`before ${name}`);
    try {
      // The host answers with what the procedure returns.
      return (await this.#call(procedure, args, wait)) as R;
    } finally {
      await this.#setting.pass(`after ${name}`);
    }
  }

  async openStream(): Promise<never> {
    throw new Error('the simulated host has no streams');
  }

  async subscribe(): Promise<never> {
    throw new Error('the news of a simulated host need no subscription');
  }

  async close(): Promise<void> {
    this.cut('it was closed here');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  tell(kind: ToldKind, uuid: string): void {
    this.#arrive(() => this.#setting.onNews(kind, uuid));
  }

  cut(reason: string): void {
    if (this.#ending !== undefined) return;
    const error = berthError('BERTH_CONNECTION_CLOSED', { where: this.#host.name, reason });
    this.#ending = error;
    this.#unlisten();
    for (const call of [...this.#waiting.splice(0), ...this.#underWay]) {
      giveUp(call, error, reason);
    }
    this.#close({ asked: false, error });
  }

  async #call(
    procedure: Call['procedure'],
    args: unknown,
    { deadlineMs, signal }: Wait,
  ): Promise<unknown> {
    if (this.#ending !== undefined) throw this.#ending;
    const { name: what } = procedure;
    const interrupted = berthError('BERTH_INTERRUPTED', { what, abortedBy: 'the server stops' });
    // Nothing is sent for somebody who does not want it any more.
    if (signal?.aborted === true) throw interrupted;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const call: Call = { procedure, args, resolve, reject, isSent: false, isSettled: false };
    const expire = (): void => {
      const error = berthError('BERTH_DEADLINE', { what, afterMs: deadlineMs });
      this.#abandon(call, error, `no reply came within ${deadlineMs} ms`);
    };
    const abort = (): void => this.#abandon(call, interrupted, 'it was interrupted');
    const stopClock = this.#setting.clock.after(deadlineMs, expire);
    signal?.addEventListener('abort', abort);
    this.#waiting.push(call);
    this.#send();
    try {
      return await promise;
    } finally {
      stopClock();
      signal?.removeEventListener('abort', abort);
    }
  }

  #send(): void {
    while (this.#underWay.size < WINDOW && this.#ending === undefined) {
      const call = this.#waiting.shift();
      if (call === undefined) return;
      if (call.isSettled) continue;
      call.isSent = true;
      const { name, effect } = call.procedure;
      if (effect) this.#setting.onSent(name, call.args);
      this.#underWay.add(call);
      this.#depart(call);
    }
  }

  /** A call that left in time is done, even if the connection ends meanwhile and nobody hears of it. */
  #depart(call: Call): void {
    const { clock } = this.#setting;
    clock.after(WAY_MS, () => {
      if (!this.#host.isUp) return;
      this.#host.receive(call.procedure, call.args, (reply) => {
        this.#arrive(() => this.#settle(call, reply));
      });
    });
  }

  #arrive(message: () => void): void {
    const { clock, chance } = this.#setting;
    this.#lastArrival = Math.max(this.#lastArrival, clock.elapsed + WAY_MS * (1 + chance.next()));
    clock.after(this.#lastArrival - clock.elapsed, () => {
      if (this.#ending === undefined) message();
    });
  }

  #settle(call: Call, reply: () => unknown): void {
    this.#underWay.delete(call);
    if (!call.isSettled) {
      call.isSettled = true;
      try {
        call.resolve(reply());
      } catch (error) {
        call.reject(error);
      }
    }
    this.#send();
  }

  /** Whoever gave up hears so; the daemon still has the call, and counts it. */
  #abandon(call: Call, error: BerthError, reason: string): void {
    giveUp(call, error, reason);
    const given = [...this.#underWay].filter(({ isSettled }) => isSettled);
    if (given.length === WINDOW) this.cut('the callers of all calls under way gave up');
  }
}

function giveUp(call: Call, error: BerthError, reason: string): void {
  if (call.isSettled) return;
  call.isSettled = true;
  const { procedure, isSent, reject } = call;
  const data = { procedure: procedure.name, reason };
  const isUnknown = isSent && procedure.effect;
  reject(isUnknown ? berthError('BERTH_OUTCOME_UNKNOWN', data, { cause: error }) : error);
}
